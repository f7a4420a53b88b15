package runtime

import (
	"context"
	"errors"
	"sync"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// queue holds the events that a subscriber has not read yet, as many as there are: no state change waits for a reader.
type queue struct {
	mutex  sync.Mutex
	events []*runtimeapi.ContainerEventResponse
	// filled holds a value while there may be events.
	filled chan struct{}
}

// publish tells of a change of a container or sandbox, with the state of the whole pod; the caller holds the mutex, so
// that events come in the order of the changes.
func (s *Service) publish(sb *sandbox, id string, kind runtimeapi.ContainerEventType) {
	if len(s.subscribers) == 0 {
		return
	}
	event := &runtimeapi.ContainerEventResponse{
		ContainerId: id, ContainerEventType: kind, CreatedAt: time.Now().UnixNano(),
		PodSandboxStatus: sb.status(), ContainersStatuses: s.statusesOf(sb),
	}
	for subscriber := range s.subscribers {
		subscriber.mutex.Lock()
		subscriber.events = append(subscriber.events, event)
		subscriber.mutex.Unlock()
		select {
		case subscriber.filled <- struct{}{}:
		default:
		}
	}
}

// GetContainerEvents sends every change from now on, until the context or the runtime ends.
func (s *Service) GetContainerEvents(ctx context.Context, events chan *runtimeapi.ContainerEventResponse, connected func(runtimeapi.RuntimeService_GetContainerEventsClient)) error {
	subscriber := &queue{filled: make(chan struct{}, 1)}
	s.mutex.Lock()
	s.subscribers[subscriber] = struct{}{}
	s.mutex.Unlock()
	defer func() {
		s.mutex.Lock()
		delete(s.subscribers, subscriber)
		s.mutex.Unlock()
	}()
	if connected != nil {
		connected(nil)
	}
	for {
		select {
		case <-subscriber.filled:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closed:
			return errors.New("the runtime is closed")
		}
		subscriber.mutex.Lock()
		batch := subscriber.events
		subscriber.events = nil
		subscriber.mutex.Unlock()
		for _, event := range batch {
			select {
			case events <- event:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}
