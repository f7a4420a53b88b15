// Command monitoring-config turns ServiceMonitors and PodMonitors into Prometheus' configuration, by the Prometheus
// operator's own code. It reads a v1 List with one Prometheus and any number of monitors on its standard input, as JSON,
// and writes YAML. It needs no cluster: namespaces are not selected, and every monitor of the list is taken.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus-operator/prometheus-operator/pkg/assets"
	"github.com/prometheus-operator/prometheus-operator/pkg/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func main() {
	configuration, err := generate(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if _, err := os.Stdout.Write(configuration); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type list struct {
	Items []json.RawMessage `json:"items"`
}

type anyObject struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        metav1.ObjectMeta `json:"metadata"`
}

func generate(input io.Reader) ([]byte, error) {
	var objects list
	if err := json.NewDecoder(input).Decode(&objects); err != nil {
		return nil, fmt.Errorf("the input is no List: %w", err)
	}
	var server *monitoringv1.Prometheus
	services := map[string]*monitoringv1.ServiceMonitor{}
	pods := map[string]*monitoringv1.PodMonitor{}
	for _, raw := range objects.Items {
		var object anyObject
		if err := json.Unmarshal(raw, &object); err != nil {
			return nil, fmt.Errorf("an item is no object: %w", err)
		}
		key := object.Metadata.Namespace + "/" + object.Metadata.Name
		var err error
		switch object.Kind {
		case monitoringv1.PrometheusesKind:
			if server != nil {
				return nil, errors.New("more than one Prometheus")
			}
			server, err = strictly[monitoringv1.Prometheus](raw)
		case monitoringv1.ServiceMonitorsKind:
			services[key], err = strictly[monitoringv1.ServiceMonitor](raw)
			if err == nil {
				err = validEndpoints(services[key])
			}
		case monitoringv1.PodMonitorsKind:
			pods[key], err = strictly[monitoringv1.PodMonitor](raw)
		default:
			err = fmt.Errorf("unknown kind")
		}
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", object.Kind, key, err)
		}
	}
	if server == nil {
		return nil, errors.New("no Prometheus")
	}
	generator, err := prometheus.NewConfigGenerator(nil, server, prometheus.WithEndpointSliceSupport())
	if err != nil {
		return nil, err
	}
	// Without clients: nothing here may refer to a Secret.
	store := assets.NewStoreBuilder(nil, nil)
	return generator.GenerateServerConfiguration(server, services, pods, nil, nil, store, nil, nil, nil, nil)
}

// strictly refuses fields that the kind does not have, as the API server does.
func strictly[T any](raw []byte) (*T, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	object := new(T)
	return object, decoder.Decode(object)
}

func validEndpoints(monitor *monitoringv1.ServiceMonitor) error {
	for index, endpoint := range monitor.Spec.Endpoints {
		if err := endpoint.Validate(); err != nil {
			return fmt.Errorf("spec.endpoints[%d]: %w", index, err)
		}
	}
	return nil
}
