package receiver

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// Receipt is one request that was answered.
type Receipt struct {
	EventID            string
	Endpoint           string // the path
	Status             int    // of the answer
	SentNS, ReceivedNS int64  // of payload.Now; SentNS is what the data says
	Intact             bool   // whole, and its signature right
}

// Delivered reports whether the answer was a good one.
func (r Receipt) Delivered() bool { return r.Status == http.StatusNoContent }

func (r Receipt) fields() []string {
	return []string{
		r.EventID, r.Endpoint, strconv.Itoa(r.Status), strconv.FormatInt(r.SentNS, 10),
		strconv.FormatInt(r.ReceivedNS, 10), strconv.FormatBool(r.Intact),
	}
}

func parseReceipt(fields []string) (r Receipt, err error) {
	var errs [4]error
	r.EventID, r.Endpoint = strings.Clone(fields[0]), strings.Clone(fields[1])
	r.Status, errs[0] = strconv.Atoi(fields[2])
	r.SentNS, errs[1] = strconv.ParseInt(fields[3], 10, 64)
	r.ReceivedNS, errs[2] = strconv.ParseInt(fields[4], 10, 64)
	r.Intact, errs[3] = strconv.ParseBool(fields[5])
	return r, errors.Join(errs[:]...)
}
