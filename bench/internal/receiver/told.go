package receiver

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/signing"
)

// Counts are how many deliveries, that is pairs of an event and an endpoint, a receiver has seen.
type Counts struct {
	Delivered int `json:"delivered"` // answered 204
	Refused   int `json:"refused"`   // answered otherwise at least once
}

func (r *Receiver) setSecret(w http.ResponseWriter, req *http.Request) {
	text, err := io.ReadAll(io.LimitReader(req.Body, 1024))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	key, err := signing.ParseSecret(string(text))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verifier = signing.NewVerifier([]signing.Key{key})
}

func (r *Receiver) setReturn(w http.ResponseWriter, req *http.Request) {
	text, err1 := io.ReadAll(io.LimitReader(req.Body, 1024))
	seconds, err2 := strconv.ParseFloat(string(text), 64)
	if err1 != nil || err2 != nil {
		http.Error(w, "want the seconds until the return", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.returns = time.Now().Add(time.Duration(seconds * float64(time.Second)))
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *Receiver) count(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	counts := Counts{len(r.delivered), len(r.refused)}
	r.mu.Unlock()
	_ = json.NewEncoder(w).Encode(counts)
}

func (r *Receiver) list(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	receipts := slices.Clip(r.receipts)
	r.mu.Unlock()
	lines := csv.NewWriter(w)
	for _, receipt := range receipts {
		_ = lines.Write(receipt.fields())
	}
	lines.Flush()
}
