// Package udm knows the schema of a UDM event, the unified data model of Google
// SecOps: which fields there are, what they hold, and what an event of each type
// must have.
//
// Start with [Lookup], which resolves a path such as
// "principal.user.email_addresses" to its fields, and with [Validate], which
// says what is wrong with an event in JSON. A program that validates many events
// keeps a [Validator] for each goroutine. [Requirements] lists the rules of an
// event type for reading; [Nearest] is the "did you mean" behind all of it.
//
// Names of fields may be in either spelling when they are read: that of the
// schema (event_type) and that of its JSON form (eventType).
//
// The tables are plain data of the program: nothing is built at start-up, and
// all of them may be read by any number of goroutines.
package udm
