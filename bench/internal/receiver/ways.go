package receiver

import (
	"bytes"
	"hash/fnv"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"
)

func alive(http.Header, delivery) int { return http.StatusNoContent }

// flaky needs r.mu.
func (r *Receiver) flaky(_ http.Header, d delivery) int {
	if _, again := r.refused[d]; again || !FailsAtFirst(d.event) {
		return http.StatusNoContent
	}
	return http.StatusInternalServerError
}

// FailsAtFirst reports whether FlakyPath refuses the event's first attempt: it does for one event in ten.
func FailsAtFirst(eventID string) bool { return oneIn(10, eventID) }

// TakenMeanwhile reports whether DownPath takes the event before its return: it does so with one event in four.
func TakenMeanwhile(eventID string) bool { return oneIn(4, eventID) }

func oneIn(n uint32, eventID string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(eventID)) // never fails
	return h.Sum32()%n == 0
}

// down needs r.mu.
func (r *Receiver) down(answer http.Header, d delivery) int {
	left := time.Until(r.returns)
	if left <= 0 || TakenMeanwhile(d.event) {
		return http.StatusNoContent
	}
	answer.Set("Retry-After", strconv.Itoa(int(math.Ceil(left.Seconds()))))
	return http.StatusServiceUnavailable
}

// silent holds the request until the return, or until its sender has had enough of it.
func (r *Receiver) silent(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBytes)) // or the end of the connection would go unseen
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	for {
		r.mu.Lock()
		left, changed := time.Until(r.returns), r.changed
		r.mu.Unlock()
		if left <= 0 {
			r.receive(alive)(w, req)
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-changed:
			timer.Stop()
		case <-req.Context().Done():
			timer.Stop()
			return
		}
	}
}

// never holds the request until its sender has had enough of it.
func never(_ http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body) // or the end of the connection would go unseen
	<-req.Context().Done()
}
