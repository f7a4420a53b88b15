package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pod", "0.log")
	log, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	output, err := log.stream("stdout")
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", longestLine)
	output.WriteString("a\n\nb " + "c\n" + long + "y\nunfinished")
	output.Close()
	log.drain(10 * time.Second)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`(?m)^\S+Z `).ReplaceAllString(string(data), "")
	want := "stdout F a\nstdout F \nstdout F b c\nstdout P " + long + "\nstdout F y\nstdout F unfinished\n"
	if got != want {
		t.Errorf("got %q", got)
	}
}

func TestLogOfAFullDiskDoesNotStopTheProcess(t *testing.T) {
	log, err := openLog("/dev/full")
	if err != nil {
		t.Skip("this machine has no /dev/full")
	}
	output, err := log.stream("stdout")
	if err != nil {
		t.Fatal(err)
	}
	// More than a pipe holds.
	if _, err := output.WriteString(strings.Repeat("line\n", 100_000)); err != nil {
		t.Error(err)
	}
	output.Close()
	log.drain(10 * time.Second)
}

// TestDrainEnds: a process that was left behind holds the pipe.
func TestDrainEnds(t *testing.T) {
	log, err := openLog(filepath.Join(t.TempDir(), "0.log"))
	if err != nil {
		t.Fatal(err)
	}
	output, err := log.stream("stdout")
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	log.drain(10 * time.Millisecond)
}
