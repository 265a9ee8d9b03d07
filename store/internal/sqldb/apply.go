package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)
