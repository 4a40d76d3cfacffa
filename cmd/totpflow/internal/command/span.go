package command

import (
	"strconv"
	"strings"
	"time"
)

const dayLength = 24 * time.Hour

// parseTime reads a moment: with its time zone, since the operator's is not the
// server's.
func parseTime(flag, text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, usagef("%s must be a time with its zone, such as 2026-12-31T18:00:00Z", flag)
	}
	return t.UTC(), nil
}

// parseLength reads "30d", "36h" or "1h30m".
func parseLength(flag, text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * dayLength, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, usagef("%s must be a length such as 30d or 36h", flag)
	}
	return d, nil
}

// showLength returns the length as parseLength reads it.
func showLength(d time.Duration) string {
	if d > 0 && d%dayLength == 0 {
		return strconv.Itoa(int(d/dayLength)) + "d"
	}
	return d.String()
}

func parseDeadline(text string) (time.Time, error) {
	if text == "none" {
		return time.Time{}, nil
	}
	return parseTime("--deadline", text)
}

// parseBrowserAge reads how long a browser is trusted. In a policy zero is the
// default, and a negative value is "not at all".
func parseBrowserAge(text string) (time.Duration, error) {
	if text == "none" {
		return -1, nil
	}
	d, err := parseLength("--browser-age", text)
	if d == 0 {
		d = -1
	}
	return d, err
}
