// Package terminal writes for people: colours where they can be seen and are wanted, a line that is
// drawn over, tables whose columns are aligned.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Terminal is a writer that may be a person's. It is for one goroutine.
type Terminal struct {
	w       io.Writer
	file    *os.File // nil: not a terminal
	colours bool
	drawn   bool // the cursor stands on a line that Redraw wrote
}

// New looks at w, and by lookup (normally os.LookupEnv) at NO_COLOR (https://no-color.org) and TERM.
func New(w io.Writer, lookup func(string) (string, bool)) *Terminal {
	t := &Terminal{w: w}
	kind, _ := lookup("TERM")
	if f, ok := w.(*os.File); ok && kind != "dumb" && term.IsTerminal(int(f.Fd())) {
		t.file = f
	}
	noColour, _ := lookup("NO_COLOR")
	t.colours = t.file != nil && noColour == ""
	return t
}

// Live reports whether Redraw can draw over a line.
func (t *Terminal) Live() bool { return t.file != nil }

// Width is how many columns there are; 80 where nobody knows.
func (t *Terminal) Width() int {
	if t.file != nil {
		if width, _, err := term.GetSize(int(t.file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}

// Printf writes, below what Redraw wrote. Errors are dropped: there is nobody left to be told.
func (t *Terminal) Printf(format string, args ...any) {
	t.leave()
	_, _ = fmt.Fprintf(t.w, format, args...)
}

// Redraw writes line over the one that it wrote before. Without a terminal it does nothing.
func (t *Terminal) Redraw(line string) {
	if t.file == nil {
		return
	}
	_, _ = fmt.Fprint(t.w, "\r\x1b[K"+line) // K: clear to the end of the line
	t.drawn = true
}

// leave goes on below the line that was redrawn.
func (t *Terminal) leave() {
	if t.drawn {
		_, _ = fmt.Fprintln(t.w)
		t.drawn = false
	}
}

// Clear takes the line that was redrawn away.
func (t *Terminal) Clear() {
	if t.drawn {
		_, _ = fmt.Fprint(t.w, "\r\x1b[K")
		t.drawn = false
	}
}

// Style is how a text looks.
type Style string

// Styles.
const (
	Plain  Style = ""
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Cyan   Style = "36"
)

// Paint is the text in the style, or as it is where colours are not wanted.
func (t *Terminal) Paint(style Style, text string) string {
	if !t.colours || style == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

// Printable is the text without control characters, which could do anything to a terminal.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError {
			return '·'
		}
		return r
	}, text)
}
