package load

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Write writes posts as lines of CSV.
func Write(w io.Writer, posts []Post) error {
	lines := csv.NewWriter(w)
	for _, p := range posts {
		_ = lines.Write([]string{ // its error is kept for the end
			p.EventID, strconv.FormatInt(p.SentNS, 10), strconv.FormatInt(p.AnsweredNS, 10),
			strconv.FormatInt(p.LateNS, 10), strconv.Itoa(p.Status), strconv.FormatBool(p.RetryAfter),
		})
	}
	lines.Flush()
	return lines.Error()
}

// Read reads what Write wrote.
func Read(r io.Reader) ([]Post, error) {
	lines := csv.NewReader(r)
	lines.FieldsPerRecord, lines.ReuseRecord = 6, true
	var posts []Post
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return posts, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the posts: %w", err)
		}
		post, err := parse(fields)
		if err != nil {
			return nil, fmt.Errorf("read the posts: %w", err)
		}
		posts = append(posts, post)
	}
}

func parse(fields []string) (p Post, err error) {
	var errs [5]error
	p.EventID = strings.Clone(fields[0])
	p.SentNS, errs[0] = strconv.ParseInt(fields[1], 10, 64)
	p.AnsweredNS, errs[1] = strconv.ParseInt(fields[2], 10, 64)
	p.LateNS, errs[2] = strconv.ParseInt(fields[3], 10, 64)
	p.Status, errs[3] = strconv.Atoi(fields[4])
	p.RetryAfter, errs[4] = strconv.ParseBool(fields[5])
	return p, errors.Join(errs[:]...)
}
