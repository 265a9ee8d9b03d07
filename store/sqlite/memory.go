package sqlite

import (
	"sync"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
)

// pinMemory keeps the allocator under SQLite from giving memory back to the kernel and asking for
// it again at every page split. The allocator holds blocks of one size (a power of two, up to
// 16 KiB) in a mapping of 64 KiB and unmaps that with its last block; one block of each size that
// is never freed keeps a mapping for the next. Unmapping was a fifth of the writer's time.
var pinMemory = sync.OnceFunc(func() { //nolint:gochecknoglobals // the allocator is one for the process
	tls := libc.NewTLS()
	for size := 16; size <= 16<<10; size *= 2 {
		libc.Xmalloc(tls, types.Size_t(size))
	}
})
