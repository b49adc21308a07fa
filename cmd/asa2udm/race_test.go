//go:build race

package main

// raceDetector says that the test binary carries the race detector, whose own
// memory is as large as that of the program.
const raceDetector = true
