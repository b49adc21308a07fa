package simulator

import (
	"net/http"
	"strconv"
	"time"

	"github.com/asa2udm/asa2udm/collector/okta"
)

// fault lets the call fail if it is its turn, and reports whether it did.
func (o *Org) fault(w http.ResponseWriter, r *http.Request, s okta.Service) bool {
	o.mu.Lock()
	draw, quiet := o.rng.Float64(), o.quiet
	o.mu.Unlock()
	if quiet {
		return false
	}
	for _, kind := range FaultKinds {
		if draw -= o.c.Faults[kind]; draw < 0 {
			return o.inject(w, r, kind, s)
		}
	}
	return false
}

func (o *Org) inject(w http.ResponseWriter, r *http.Request, kind string, s okta.Service) bool {
	h := w.Header()
	switch kind {
	case "429":
		h.Set("X-Rate-Limit-Limit", "600")
		h.Set("X-Rate-Limit-Remaining", "0")
		h.Set("X-Rate-Limit-Reset", strconv.FormatInt(time.Now().Add(time.Second).Unix(), 10))
		o.fail(w, http.StatusTooManyRequests, "E0000047", "API call exceeded rate limit due to too many requests.")
	case "busy":
		h.Set("X-Rate-Limit-Limit", "0")
		h.Set("X-Rate-Limit-Remaining", "0")
		h.Set("X-Rate-Limit-Reset", strconv.FormatInt(time.Now().Add(40*time.Second).Unix(), 10))
		o.fail(w, http.StatusTooManyRequests, "E0000047", "API call exceeded concurrency limit.")
	case "401":
		o.fail(w, http.StatusUnauthorized, "E0000011", "Invalid token provided")
	case "403":
		o.fail(w, http.StatusForbidden, "E0000006", "You do not have permission to perform the requested action")
	case "5xx":
		o.fail(w, http.StatusServiceUnavailable, "E0000010", "Service is in read only mode")
	case "slow":
		o.fail(w, http.StatusInternalServerError, "E0000009", "Internal Server Error")
	case "timeout":
		o.count(kind)
		select {
		case <-r.Context().Done():
		case <-time.After(o.c.Hang):
		}
		panic(http.ErrAbortHandler)
	case "reset":
		o.count(kind)
		panic(http.ErrAbortHandler)
	case "cut", "garbage":
		o.damage(w, r, kind, s)
	}
	return true
}

// damage spoils a good answer.
func (o *Org) damage(w http.ResponseWriter, r *http.Request, kind string, s okta.Service) {
	o.count(kind)
	body, links, err := o.page(r, s)
	if err != nil {
		body = []byte(`[{"uuid":"cut short"}]`)
	}
	w.Header()["Link"] = links
	half := body[:len(body)/2]
	if kind == "cut" {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.Write(half)
	if kind == "cut" {
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}
