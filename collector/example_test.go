package collector_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/asa"
	"github.com/asa2udm/asa2udm/collector/asa/simulator"
	"github.com/asa2udm/asa2udm/collector/dir"
)

// A team's log is copied into a directory; a second run finds nothing new.
func ExampleCollector() {
	log := simulator.Generate(1, 2500, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Second)
	api := httptest.NewServer(simulator.New(simulator.Config{Log: log, Team: "example-team", KeyID: "id", KeySecret: "secret"}))
	defer api.Close()
	root, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)

	source, err := asa.New(asa.Config{BaseURL: api.URL, Team: "example-team", KeyID: "id", KeySecret: "secret"})
	if err != nil {
		panic(err)
	}
	bucket, err := dir.Open(root)
	if err != nil {
		panic(err)
	}
	c := collector.Collector{
		Source: source,
		Sink:   &collector.Objects{Bucket: bucket, Layout: collector.RootLayout(), Identify: source.Record},
		State:  collector.StateFile{Bucket: bucket, Name: "state.json"},
		Stats:  &collector.Stats{},
	}
	for range 2 {
		if err := c.Run(context.Background()); err != nil {
			panic(err)
		}
		fmt.Println(c.Stats.Events.Load(), "events,", c.Stats.Duplicates.Load(), "duplicates")
	}
	// Output:
	// 2500 events, 0 duplicates
	// 2500 events, 0 duplicates
}
