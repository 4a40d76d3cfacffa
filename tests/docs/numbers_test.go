package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// proofs are the sentences of the documents that have a number about guessing or about a
// limit, each with the tests that compute or simulate it. A sentence that is changed must
// be proved again.
var proofs = []struct{ file, sentence, tests string }{
	{"doc.go", "a year of guessing with the right password succeeds with a chance under 9.2e-4", "throttle TestYearOfEverything"},

	{"totp/doc.go", "one guess in 333,333 is right", "totp TestOneGuess"},
	{"totp/doc.go", "6 to 8 digits, periods of 15 to 120 seconds, secrets of 128 bits or more", "totp TestVectorsParams, totp TestSpellingsOfASecret"},
	{"totp/doc.go", "secrets of 80 bits and more in", "totp TestWeakKeys"},
	{"totp/key.go", "Five codes of six digits single out a secret of 80 bits", "totp TestCodesThatSingleOutASecret"},

	{"throttle/doc.go", "in a row, in a day, in 30 days and in 365 days", "throttle TestAgainstEveryTimestamp"},
	{"throttle/doc.go", "A guess is charged by its chances: how many in 10^6", "totp TestOneGuess"},
	{"throttle/doc.go", "has 3; with five authenticators 15; one live code by phone 1", "throttle TestGuessesOfTheWindows, . TestGuessesAreChargedByAuthenticators"},
	{"throttle/doc.go", "20, 100 and 300 guesses of 3, so an account with five authenticators has 4 guesses a day", "throttle TestGuessesOfTheWindows"},
	{"throttle/doc.go", "a probability of at most 900 in 10^6, or 9.0e-4", "throttle TestYearOfGuessing"},
	{"throttle/doc.go", "could guess four times after each of the owner's sign-ins", "throttle TestOwnersSuccessDoesNotRefill"},
	{"throttle/doc.go", "3 times in 10^12 where the later one may be of three steps", "totp TestPairsThatPass"},
	{"throttle/doc.go", "At one try in 30 seconds and six at once, a whole year of trying adds less than 3.2e-6 for each authenticator, and 1.6e-5 for five", "throttle TestYearOfPairs, throttle TestPairBurstThenOneInThirtySeconds"},
	{"throttle/doc.go", "if it was ahead by no more than a year", "throttle TestAgainstEveryTimestamp"},
	{"throttle/doc.go", "less than 4 KiB under [Default]", "throttle TestYearOfGuessing"},
	{"throttle/doc.go", "less than 10 KiB for any sequence of calls", "throttle TestBoundedSize"},

	{"phone/doc.go", "Six random digits, each of the million as likely", "phone TestCodesAreUniform"},
	{"phone/doc.go", "lives five minutes", "phone TestCodeExpires"},
	{"phone/doc.go", "Five wrong codes in a row end it, and with it all codes for ten minutes", "phone TestFiveTries"},
	{"phone/doc.go", "Sending another one does not give tries back", "phone TestFiveTries"},
	{"phone/doc.go", "That bounds the guessing of a day by what is sent in a day", "phone TestADayOfMessages"},
	{"phone/doc.go", "may use up half of each limit", "phone TestForUnverified, . TestVerifiedNumbersHaveAShareOfTheirOwn"},
	{"phone/doc.go", "five messages by [DefaultLimits]", "phone TestADayOfStrangersMessages"},
	{"phone/doc.go", "[State.Encode] returns at most 1 KiB: at most three phones, one pending number, one code, and the sends of the last day, 64 at most", "phone TestEncodedSize"},
	{"phone/doc.go", "[Sends.Encode] returns at most 1 KiB", "phone TestSendsStaySmall"},

	{"recovery/doc.go", "[New] makes ten codes", "recovery TestAbout400Bytes"},
	{"recovery/doc.go", "(10 an hour is usual", ". TestRecoveryHasItsOwnCounter"},
	{"recovery/doc.go", "returns about 400 bytes", "recovery TestAbout400Bytes"},
	{"recovery/doc.go", "A code is 80 random bits", "recovery TestYearsOfHashing, recovery TestCodesAreUniform"},
	{"recovery/doc.go", "80 bits at 10^12 hashes a second last for ten thousand years", "recovery TestYearsOfHashing"},
	{"recovery/doc.go", "no more than four are paid at once", "recovery TestDerivationsAreLimited"},

	{"SECURITY.md", "half of its limit, five messages a day by default", "phone TestADayOfStrangersMessages"},
	{"SECURITY.md", "what its account may be sent in a day, ten messages", "phone TestADayOfMessages"},
	{"SECURITY.md", "what that prefix may be sent in an hour", ". TestVerifiedNumbersHaveAShareOfTheirOwn"},

	{"docs/guarantees.md", "500 guesses at once get the five of the budget", ". TestBurstOfGuessesGetsTheBudget"},
	{"docs/guarantees.md", "stays under a chance of 9.0e-4", "throttle TestYearOfGuessing"},

	{"docs/enrollment.md", "90 days away at most", "enroll TestWeakKeysLapse"},
	{"docs/enrollment.md", "up to five", "enroll TestLimit, enroll TestImportSeveral"},
	{"docs/enrollment.md", "Keys under 80 bits", "totp TestWeakKeys"},
	{"docs/enrollment.md", "or 15 minutes old", "enroll TestACandidateExpires"},
	{"docs/enrollment.md", "each is one more chance for a guess", ". TestGuessesAreChargedByAuthenticators"},
	{"docs/enrollment.md", "for five minutes, longer for periods over half a minute", "enroll TestUsedStepsAreRememberedAsLongAsAWindowReaches"},
	{"docs/enrollment.md", "within 14 hours before or after", "enroll TestDriftAtConfirmation"},
	{"docs/enrollment.md", "a guess has hit one of thousands of codes", "enroll TestNoDriftAtSignIn"},

	{"docs/operations.md", "one step before and after, so that server and phone may be half a minute apart", "totp TestSlowPhonesHaveAPair"},
	{"docs/operations.md", "at most 90 days from now", "internal/servicetest TestGraceExtendedWithinBounds"},
	{"docs/operations.md", "for 24 hours the password alone leads to a new enrollment", "admin TestPasswordSufficesForADay"},

	{"docs/reliability.md", "none had more than 900 chances in any 365 days, a probability of 9.0e-4 at most", "throttle TestYearOfGuessing"},
}

// Each sentence is where the list says, and so is each of its tests.
func TestNumbersAreProved(t *testing.T) {
	for _, p := range proofs {
		require.Contains(t, strings.ToLower(flat(t, p.file)), strings.ToLower(p.sentence), "in %s", p.file)
		for test := range strings.SplitSeq(p.tests, ", ") {
			folder, name, _ := strings.Cut(test, " ")
			require.True(t, hasTest(t, folder, name), "%s: no %s in %s", p.file, name, folder)
		}
	}
}

// Every sentence with a number about guessing, in the comments of the packages that bound
// it or in SECURITY.md, is in the list.
func TestNumbersAreListed(t *testing.T) {
	number := regexp.MustCompile(`(?i)\d|\b(two|three|four|five|six|ten|half|million|thousands?)\b`)
	about := regexp.MustCompile(`(?i)guess|chance|probab|wrong code|messages|\btries\b|KiB|hashes a second|random bits`)
	for _, file := range []string{"doc.go", "totp/doc.go", "enroll/doc.go", "throttle/doc.go", "phone/doc.go", "recovery/doc.go", "SECURITY.md"} {
		for _, sentence := range regexp.MustCompile(`[.;:!?]\s`).Split(flat(t, file), -1) {
			sentence = regexp.MustCompile(`(RFC|SP) [\d-]+(, [\w ]+[\d.]+)?`).ReplaceAllString(sentence, "")
			if !number.MatchString(sentence) || !about.MatchString(sentence) || slices.Contains(noNumber, strings.TrimSpace(sentence)) {
				continue
			}
			listed := slices.ContainsFunc(proofs, func(p struct{ file, sentence, tests string }) bool {
				return p.file == file && overlap(p.sentence, sentence)
			})
			if !listed {
				t.Errorf("%s: no test is named for: %s", file, sentence)
			}
		}
	}
}

// noNumber are sentences whose number is about something else.
var noNumber = []string{
	"# Threats A code of six digits can be guessed",
	"and is kept as an HMAC under the host's keys, so that the record alone, in which a million guesses would be quick, does not tell it",
}

// overlap reports whether one text contains a part of the other: a listed sentence may
// continue after a colon.
func overlap(listed, sentence string) bool {
	for _, part := range regexp.MustCompile(`[;:]\s`).Split(listed, -1) {
		if strings.Contains(strings.ToLower(sentence), strings.ToLower(strings.TrimSpace(part))) {
			return true
		}
	}
	return false
}

// flat returns a document, or the comment of a package, as one line.
func flat(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	require.NoError(t, err)
	lines := strings.Split(string(text), "\n")
	if strings.HasSuffix(file, ".go") {
		lines = slices.DeleteFunc(lines, func(line string) bool { return !strings.HasPrefix(line, "//") || strings.HasPrefix(line, "//\t") })
		for i := range lines {
			lines[i] = strings.TrimPrefix(lines[i], "//")
		}
	}
	return strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
}

// hasTest reports whether a test of this name is in a folder.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	require.NoError(t, err)
	return slices.ContainsFunc(paths, func(path string) bool {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		return strings.Contains(string(text), "\nfunc "+name+"(")
	})
}
