package terminal_test

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/postrider/postrider/internal/terminal"
)

// openPTY is both ends of a terminal: what is written to one is read from the other.
func openPTY(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	control := func(what uintptr, value *int32) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), what, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Skipf("no terminals here: %v", errno)
		}
	}
	var number, unlocked int32
	control(syscall.TIOCSPTLCK, &unlocked)
	control(syscall.TIOCGPTN, &number)
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

func TestOnATerminal(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env  map[string]string
		want string
	}{
		"there are colours, and a line is drawn over": {nil, "\r\x1b[K1 %\r\x1b[K2 %\r\n\x1b[31mbad\x1b[0m\r\n"},
		"NO_COLOR is kept":                            {map[string]string{"NO_COLOR": "1"}, "\r\x1b[K1 %\r\x1b[K2 %\r\nbad\r\n"},
		"an empty NO_COLOR says nothing":              {map[string]string{"NO_COLOR": ""}, "\r\x1b[K1 %\r\x1b[K2 %\r\n\x1b[31mbad\x1b[0m\r\n"},
		"a dumb one gets plain text":                  {map[string]string{"TERM": "dumb"}, "bad\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			person, program := openPTY(t)
			to := terminal.New(program, func(name string) (string, bool) { v, ok := tc.env[name]; return v, ok })
			to.Redraw("1 %")
			to.Redraw("2 %")
			to.Printf("%s\n", to.Paint(terminal.Red, "bad"))
			_ = person.SetReadDeadline(time.Now().Add(10 * time.Second)) // where it cannot, the test's own time-out is left
			got := make([]byte, len(tc.want))                            // they come a few at a time
			if n, err := io.ReadFull(person, got); err != nil || string(got) != tc.want {
				t.Errorf("got  %q, %v\nwant %q", got[:n], err, tc.want)
			}
		})
	}
}
