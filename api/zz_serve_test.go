package api_test

import (
	"net/http"
	"os"
	"testing"
	"time"
)

func TestZZServe(t *testing.T) {
	if os.Getenv("SERVE") == "" {
		t.Skip()
	}
	r := newRig(t)
	s := &http.Server{Addr: "127.0.0.1:18777", Handler: r.handler}
	go s.ListenAndServe()
	time.Sleep(90 * time.Second)
}
