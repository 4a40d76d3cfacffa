package history

import "time"

// all is what is looked at where a write that others see is on the disk.
func all(ops []Op) []Op { return ops }

// durable leaves out what was seen while a write was on its way that nobody
// acknowledged before the server was killed: reads, conflicts, and codes that
// were used already. InnoDB shows a write to others when it is committed in
// memory, and then brings it to the disk, and acknowledges it. A reader who saw it
// may have seen a write that is gone after a crash. Nobody is let in by that: the
// writer was not answered, and a write on top of it reaches the disk only after it.
func durable(ops []Op) []Op {
	type span struct{ from, to time.Duration }
	under := make(map[string]span)
	for _, op := range ops {
		if op.Answer != open || op.Do == get {
			continue
		}
		s, ok := under[op.Of]
		if !ok || op.Call < s.from {
			s.from = op.Call
		}
		s.to = max(s.to, op.Return)
		under[op.Of] = s
	}
	var kept []Op
	for _, op := range ops {
		s, ok := under[op.Of]
		changed := op.Answer == open || op.Answer == done && op.Do != get
		if !ok || changed || op.Call > s.to || op.Return < s.from {
			kept = append(kept, op)
		}
	}
	return kept
}
