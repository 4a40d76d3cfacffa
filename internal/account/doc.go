// Package account is the aggregate that every flow changes: everything that the second
// factor knows about one user, as one value, and its codec, which seals the value as one
// record. Package engine loads and swaps these records.
//
// # The record, byte by byte
//
// [Seal] seals the following bytes, without names and without padding, one field after
// the other. Package wire defines numbers, texts, lists and the other kinds, and the
// encodings that are refused.
//
//	format: number, 1
//	generation: number
//	enrollment: part
//	  state: number, one of ["disabled" "pending" "active" "replacing" "reset-pending" "exempt"]
//	  authenticators: list, at most 5
//	    id: text, at most 64
//	    name: text, at most 160
//	    algorithm: number, at most 2
//	    digits: number, 6 to 8
//	    period: number, 15 to 120
//	    secret: bytes, at most 640
//	    last: number
//	    added: time in milliseconds
//	    used: time in milliseconds
//	    weak_until: time in milliseconds
//	  candidate: optional part
//	    id: text, at most 64
//	    name: text, at most 160
//	    algorithm: number, at most 2
//	    digits: number, 6 to 8
//	    period: number, 15 to 120
//	    secret: bytes, at most 640
//	    began: time in milliseconds
//	    adds: bool
//	  kept: list, at most 5
//	    id: text, at most 64
//	    name: text, at most 160
//	    algorithm: number, at most 2
//	    digits: number, 6 to 8
//	    period: number, 15 to 120
//	    secret: bytes, at most 640
//	    last: number
//	    added: time in milliseconds
//	    used: time in milliseconds
//	    weak_until: time in milliseconds
//	    until: time in milliseconds
//	  retired: list, at most 20
//	    algorithm: number, at most 2
//	    digits: number, 6 to 8
//	    period: number, 15 to 120
//	    secret: bytes, at most 640
//	    last: number
//	    until: time in milliseconds
//	  reset: time in milliseconds
//	  lapsed: bool
//	recovery: optional part
//	  codes: list, at most 10
//	    hash: 32 bytes
//	    used: time in seconds
//	  salt: 16 bytes
//	  made: time in seconds
//	  saved: time in seconds
//	browsers: list, at most 20
//	  id: hex of 16 bytes
//	  label: text, at most 80
//	  hash: hex of 32 bytes
//	  issued: time in seconds
//	  seen: time in seconds
//	revocations: number
//	budget: optional part
//	  run: number, at most 1000000
//	  row: number, at most 1000000
//	  last: signed number
//	  hours: list, at most 1024
//	    after: signed number
//	    chances: number, 1 to 1000000
//	  recent: list, at most 64
//	    at: signed number
//	    chances: number, 1 to 1000000
//	    challenge: 12 bytes
//	  pairs: number, at most 1000000
//	  since: signed number
//	recovery_rate: optional part
//	  taken: list, at most 100
//	    after: signed number
//	administrator: optional part
//	  resets: optional part
//	    taken: list, at most 100
//	      after: signed number
//	  window: optional part
//	    key: 16 bytes
//	    mark: text, at most 64
//	    until: time in milliseconds
//	    actions: list, at most 8
//	      action: text, at most 64
//	    targets: list, at most 20
//	      tenant: word, at most 190
//	      user: text, at most 190
//	      left: number, at most 255
//	ticket_key: optional part
//	  key: 16 bytes
//	spent: list, at most 50
//	  id: text, at most 64
//	  issued: signed number
//	used_up_to: signed number
//	mark: optional part
//	  mark: 16 bytes
//	password_at: time in milliseconds
//	grace: optional part
//	  begun: time in milliseconds
//	  until: time in milliseconds
//	issued: optional part
//	  set: part
//	    codes: list, at most 10
//	      hash: 32 bytes
//	      used: time in seconds
//	    salt: 16 bytes
//	    made: time in seconds
//	    saved: time in seconds
//	  at: time in milliseconds
//	suspicion: optional part
//	  code_only: bool
//	  redeemed: bool
//	  new_password: bool
//	machine: text, at most 190
//	freeze: optional part
//	  at: time in milliseconds
//	  ended: time in milliseconds
//	  up_to: number
//	phones: optional part
//	  phones: list, at most 3
//	    id: text, at most 64
//	    number: number, 10000000 to 999999999999999
//	    via: number, one of ["sms" "voice"]
//	    added: time in seconds
//	    used: time in seconds
//	  pending: optional part
//	    id: text, at most 64
//	    number: number, 10000000 to 999999999999999
//	    began: time in seconds
//	  code: optional part
//	    to: text, at most 64
//	    challenge: text, at most 64
//	    via: number, one of ["sms" "voice"]
//	    sent: time in seconds
//	    mac: 36 bytes
//	  wrong: number, at most 5
//	  last: time in seconds
//	  sends: part
//	    log: list, at most 192
//	      after: number, 1 to 1099511627776
//	      sends: number, 1 to 1000000
//	assigned: text, at most 16
//	sends: optional part
//	  log: list, at most 192
//	    after: number, 1 to 1099511627776
//	    sends: number, 1 to 1000000
//	tenant: optional part
//	  policy: optional part
//	    mode: number, at most 2
//	    grace: signed number
//	    deadline: instant
//	    browser_age: signed number
//	    methods: number, at most 15
//	    issued_code: bool
//	    two_administrators: bool
//	    assigned_phones: bool
//	    roles: list, at most 16
//	      name: text, at most 40
//	      mode: number, at most 2
//	  pending: list, at most 20
//	    id: text, at most 64
//	    action: word, at most 64
//	    by_tenant: word, at most 190
//	    by_user: word, at most 190
//	    mark: text, at most 64
//	    asked: time in milliseconds
//	    before: optional part
//	      mode: number, at most 2
//	      grace: signed number
//	      deadline: instant
//	      browser_age: signed number
//	      methods: number, at most 15
//	      issued_code: bool
//	      two_administrators: bool
//	      assigned_phones: bool
//	      roles: list, at most 16
//	        name: text, at most 40
//	        mode: number, at most 2
//	    policy: optional part
//	      mode: number, at most 2
//	      grace: signed number
//	      deadline: instant
//	      browser_age: signed number
//	      methods: number, at most 15
//	      issued_code: bool
//	      two_administrators: bool
//	      assigned_phones: bool
//	      roles: list, at most 16
//	        name: text, at most 40
//	        mode: number, at most 2
//	    targets: list, at most 4096
//	      user: text, at most 190
//	    scope: word, at most 64
//	    name: text, at most 190
//	notifying: optional part
//	  by: number
//	  since: time in milliseconds
//	activity: optional part
//	  last: number
//	  events: list, at most 70
//	    after: number
//	    at: time in milliseconds
//	    kind: number, at most 52
//	    word: word, at most 32
//	    has: number, at most 2047
//	    method: word, at most 64
//	    authenticator: word, at most 64
//	    browser: word, at most 64
//	    address: word, at most 64
//	    user_agent: word, at most 192
//	    reason: word, at most 64
//	    action: word, at most 64
//	    actor: word, at most 190
//	    remaining: signed number
//	    until: time in milliseconds
//	  days: list, at most 21
//	    after: signed number
//	    attempts: number, 1 to 16383
//	    signed_in: number, 1 to 4294967295
//	    reauthenticated: number, 1 to 4294967295
//	    enrollment_began: number, 1 to 4294967295
//	    authenticator_renamed: number, 1 to 4294967295
//	    phone_code_sent: number, 1 to 4294967295
//	    code_rejected: number, 1 to 4294967295
//	    code_replayed: number, 1 to 4294967295
//	    code_malformed: number, 1 to 4294967295
//	    throttled: number, 1 to 4294967295
//	    rejected_repeatedly: number, 1 to 4294967295
//	    suspended: number, 1 to 4294967295
//	    recovery_rejected: number, 1 to 4294967295
//	    clock_behind: number, 1 to 4294967295
//	    sign_in_refused: number, 1 to 4294967295
//
// The encodings of single packages, such as [enroll.Enrollment.Encode], are the format and
// the fields of their part: enrollment, recovery, browsers, budget, recovery_rate, phones
// and sends.
//
// The names leave some things open:
//
//   - reset is there in every state, and zero in all but reset-pending. Kept
//     authenticators can be restored until then; retired secrets are remembered for
//     their last step.
//   - weak_until is zero for a secret of 128 bits or more. Others are valid until then.
//   - issued in spent, and used_up_to, are milliseconds since 1970; last, since and at
//     in the budget are seconds.
//   - after is the distance from the same field of the item before, or from 0: of
//     hours in hours since 1970, of attempts and sends in seconds, of events in their
//     numbers, of days in days since 1970.
//   - number in phones is the digits of the telephone number, read as one number.
//   - algorithm is 0 for SHA-1, 1 for SHA-256, 2 for SHA-512; mode is 0 for required,
//     1 for optional, 2 for off; methods has the bits of [policy.Methods]; grace and
//     browser_age are nanoseconds.
//   - has says by a bit which of the fields that follow are there; its bit 1024 is set
//     while the notifier has not received the event.
//   - kind is the place of an event's kind in a table of package event, from 1 on. For
//     a kind that is not in the table it is 0 and its word follows; otherwise there
//     is no word.
//   - has says which of the fields behind it follow: 1 method, 2 authenticator, 4
//     browser, 8 address, 16 user_agent, 32 reason, 64 remaining, 128 action, 256 actor,
//     512 until.
//   - attempts says which of the counts behind it follow: 1 signed_in, 2
//     reauthenticated, and so on.
//
// The sealed envelope around these bytes is that of package keyring. Tenant, user,
// version, state word and due time are its associated data.
package account
