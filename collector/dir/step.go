//go:build !failpoint

package dir

// step marks a place where a process may die. Programs built with the tag
// failpoint can be made to die there; in all others it is nothing.
func step(string) {}
