package adminweb

import "github.com/totpflow/totpflow/admin"

// Key returns the name of a person in a form.
func Key(p Person) string { return personKey(p.ID) }

// MaskedTitle returns the title of the page that confirms an approval.
func (p *Pages) MaskedTitle(q admin.Request) string {
	l := p.section.Languages()[0]
	return maskedTitle(l, "approve", RequestRow{Request: q, What: l.Say("do.phone", "Number", q.Name, "Name", "Mika Berg")})
}
