package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// longestLine is where a line of the log is broken, as containerd does.
const longestLine = 16 << 10

// log writes a container's output in the format of the container runtime interface, a line each:
//
//	2006-01-02T15:04:05.999999999Z stdout F the line (P instead of F: its next part follows)
type log struct {
	path    string
	mutex   sync.Mutex
	file    *os.File
	failed  bool
	readers []io.Closer
	done    sync.WaitGroup
}

func openLog(path string) (*log, error) {
	l := &log{path: path}
	return l, l.reopen()
}

// reopen goes on in a new file where the present one was renamed.
func (l *log) reopen() error {
	if err := os.MkdirAll(filepath.Dir(l.path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.file != nil {
		l.file.Close()
	}
	l.file, l.failed = file, false
	return nil
}

// stream gives the writing end of a pipe whose content goes to the log.
func (l *log) stream(name string) (*os.File, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	l.readers = append(l.readers, reader)
	l.done.Go(func() { l.copy(name, reader) })
	return writer, nil
}

// copy writes lines until the pipe ends. What is there at once is written at once.
func (l *log) copy(name string, from io.Reader) {
	input := bufio.NewReaderSize(from, longestLine)
	var lines []byte
	for {
		line, err := input.ReadSlice('\n')
		if len(line) > 0 {
			tag := byte('F')
			if errors.Is(err, bufio.ErrBufferFull) {
				tag = 'P'
			}
			lines = time.Now().UTC().AppendFormat(lines, time.RFC3339Nano)
			lines = append(lines, ' ')
			lines = append(lines, name...)
			lines = append(lines, ' ', tag, ' ')
			lines = append(lines, bytes.TrimSuffix(line, []byte{'\n'})...)
			lines = append(lines, '\n')
		}
		ended := err != nil && !errors.Is(err, bufio.ErrBufferFull)
		waiting, _ := input.Peek(input.Buffered())
		if ended || len(lines) > 2*longestLine || bytes.IndexByte(waiting, '\n') < 0 {
			l.write(lines)
			lines = lines[:0]
		}
		if ended {
			return
		}
	}
}

// write never stops the process for want of a log: what cannot be written is lost, as with a full disk.
func (l *log) write(lines []byte) {
	if len(lines) == 0 {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if _, err := l.file.Write(lines); err != nil && !l.failed {
		l.failed = true
		fmt.Fprintln(os.Stderr, "container-shim:", err)
	}
}

// drain waits until all output is written; the pipes end when every process that could write is gone.
func (l *log) drain(limit time.Duration) {
	done := make(chan struct{})
	go func() { l.done.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(limit):
		for _, reader := range l.readers {
			reader.Close()
		}
		<-done
	}
}
