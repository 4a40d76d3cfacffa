package history

import "time"

// all selects every operation, for a server that shows a write only when it is on the
// disk.
func all(ops []Op) []Op { return ops }

// durable leaves out everything that was seen of a write that nobody had acknowledged
// before the server was killed: reads, conflicts, and codes that were used already.
// InnoDB shows a write to others once it is committed in memory, and then writes it to
// the disk and acknowledges it. A reader may thus have seen a write that is gone after a
// crash. Such a read lets nobody in: the writer got no answer, and a write on top of it
// reaches the disk only after it.
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
