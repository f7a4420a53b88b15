// registry is the registry of the local machine: distribution with its file system driver alone. Blobs cannot be deleted.
//
// Usage: registry ADDRESS FOLDER
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/sirupsen/logrus"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: registry ADDRESS FOLDER")
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "error:", serve(os.Args[1], os.Args[2]))
	os.Exit(1)
}

// serve serves until it fails. Its handlers alone, without distribution's own program around them, leave out telemetry
// and its exporters, which are half of that program.
func serve(address, folder string) error {
	logrus.SetLevel(logrus.ErrorLevel)
	logrus.SetFormatter(failuresAlone{&logrus.TextFormatter{}})
	config := &configuration.Configuration{
		Storage: configuration.Storage{"filesystem": configuration.Parameters{"rootdirectory": folder}},
	}
	return http.ListenAndServe(address, handlers.NewApp(context.Background(), config))
}

// failuresAlone leaves out of the log that a client asked for what is not there: each push begins with such questions.
type failuresAlone struct{ logrus.Formatter }

func (f failuresAlone) Format(entry *logrus.Entry) ([]byte, error) {
	if status, ok := entry.Data["http.response.status"].(int); ok && status < http.StatusInternalServerError {
		return nil, nil
	}
	return f.Formatter.Format(entry)
}
