package figures_test

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/receiver"
)

const ms = 1_000_000

func TestReceiptsAreCountedAgainstWhatWasAccepted(t *testing.T) {
	t.Parallel()
	traffic := figures.Match(
		[]load.Post{
			{EventID: "once", SentNS: 1000 * ms, AnsweredNS: 1010 * ms, Status: 202},
			{EventID: "twice", SentNS: 1001 * ms, AnsweredNS: 1500 * ms, Status: 202},
			{EventID: "lost", SentNS: 1002 * ms, AnsweredNS: 1003 * ms, Status: 202},
			{EventID: "changed", SentNS: 1003 * ms, AnsweredNS: 1004 * ms, Status: 202},
			{EventID: "refused", SentNS: 1004 * ms, AnsweredNS: 1005 * ms, Status: 429},
			{EventID: "unanswered", SentNS: 1005 * ms, AnsweredNS: 9000 * ms},
		},
		[]receiver.Receipt{
			{EventID: "once", SentNS: 1000 * ms, ReceivedNS: 1005 * ms, Status: 204, Intact: true},
			{EventID: "twice", SentNS: 1001 * ms, ReceivedNS: 2000 * ms, Status: 204, Intact: true},
			{EventID: "twice", SentNS: 1001 * ms, ReceivedNS: 3000 * ms, Status: 204, Intact: true},
			{EventID: "changed", SentNS: 1 * ms, ReceivedNS: 1005 * ms, Status: 204, Intact: true},
			{EventID: "lost", SentNS: 1002 * ms, ReceivedNS: 1004 * ms, Status: 500, Intact: true},
			{EventID: "unanswered", SentNS: 1005 * ms, ReceivedNS: 1006 * ms, Status: 204, Intact: true},
			{EventID: "refused", SentNS: 1004 * ms, ReceivedNS: 1006 * ms, Status: 204, Intact: true},
			{EventID: "of the warm-up", SentNS: 1 * ms, ReceivedNS: 2 * ms, Status: 204, Intact: true},
		})
	want := map[string]float64{
		"refused": 2, "lost": 1, "duplicated": 1, "broken": 1,
		"accepted/s": 8, "delivered/s": 3, // 4 in 0.5 s, 3 in 1 s
	}
	for _, f := range append(traffic.Counts(), traffic.Throughput()...) {
		if f.Value != want[f.Name] {
			t.Errorf("%s is %v, want %v", f.Name, f.Value, want[f.Name])
		}
		delete(want, f.Name)
	}
	if len(want) != 0 {
		t.Errorf("not there: %v", want)
	}
	if traffic.Denied() != 1 {
		t.Errorf("%d denied", traffic.Denied())
	}
	if traffic.Accepted() != 4 || traffic.Lost() != 1 || traffic.Broken() != 1 || traffic.Began() != 1000*ms {
		t.Errorf("accepted %d, lost %d, broken %d, began %d", traffic.Accepted(), traffic.Lost(), traffic.Broken(), traffic.Began())
	}
}

func TestAPercentileIsTheLeastValueThatSoManyDoNotExceed(t *testing.T) {
	t.Parallel()
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	for _, tc := range []struct {
		values []float64
		p      float64
		want   float64
	}{
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 100, 100},
		{hundred[:10], 99, 10},
		{hundred[:3], 50, 2},
		{hundred[:1], 1, 1},
		{nil, 50, 0},
	} {
		if got := figures.Percentile(tc.values, tc.p); got != tc.want {
			t.Errorf("p%v of %d values is %v, want %v", tc.p, len(tc.values), got, tc.want)
		}
	}
}

func TestSeveralRunsAreShownAsTheirSpread(t *testing.T) {
	t.Parallel()
	run := func(rate float64) []figures.Figure {
		return []figures.Figure{{Name: "accepted/s", Value: rate}, {Name: "p50 ms", Value: rate / 3, Decimals: 2}}
	}
	var text strings.Builder
	if err := figures.Table(&text, [][]figures.Figure{run(3), run(1), run(10)}); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"               min  median   max\n" +
		"  accepted/s     1       3    10\n" +
		"      p50 ms  0.33    1.00  3.33\n"
	if got := text.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
