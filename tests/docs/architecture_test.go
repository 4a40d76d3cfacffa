package docs_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A graph has the packages of the library, and for each the packages that it imports.
// Internal packages are not in it: their importers are shown to import what they import.
type graph map[string][]string

// The picture of the packages is drawn from their imports, and is up to date with them.
func TestArchitecture(t *testing.T) {
	g := libraryGraph(t)
	require.Contains(t, g["web"], "totpflow")
	layers, err := g.layers()
	require.NoError(t, err)
	picture := drawing{graph: g.reduced(), layers: layers, own: ownModules(t)}.svg()
	path := filepath.Join(root, "docs", "architecture.svg")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(picture), 0o644))
	}
	require.Equal(t, picture, read(t, path), "docs/architecture.svg is not what the imports are now; `make docs` draws it")
}

// libraryGraph reads the imports of every package that a product may use.
func libraryGraph(t *testing.T) graph {
	direct := make(graph)
	for path, imports := range imported(t, func(path string) bool {
		return !strings.HasSuffix(path, "_test.go") && !strings.HasPrefix(path, filepath.Join(root, "tests")) &&
			!strings.HasPrefix(path, filepath.Join(root, "examples")) && !strings.HasPrefix(path, filepath.Join(root, "benchmarks"))
	}) {
		from, err := filepath.Rel(root, filepath.Dir(path))
		require.NoError(t, err)
		name := shown(filepath.ToSlash(from))
		all := direct[name]
		for _, of := range imports {
			if to, ok := strings.CutPrefix(of+"/", module+"/"); ok {
				all = append(all, shown(strings.TrimSuffix(to, "/")))
			}
		}
		direct[name] = all // also without imports
	}
	return direct.public()
}

func shown(folder string) string {
	if folder == "." || folder == "" {
		return "totpflow"
	}
	return folder
}

func hidden(name string) bool { return strings.Contains("/"+name+"/", "/internal/") }

// public returns the graph without internal packages.
func (g graph) public() graph {
	out := make(graph)
	for name := range g {
		if hidden(name) {
			continue
		}
		seen := make(map[string]bool)
		var follow func(of string)
		follow = func(of string) {
			for _, to := range g[of] {
				if seen[to] {
					continue
				}
				seen[to] = true
				if hidden(to) {
					follow(to)
				} else if to != name {
					out[name] = append(out[name], to)
				}
			}
		}
		follow(name)
		out[name] = slices.Compact(slices.Sorted(slices.Values(out[name])))
	}
	return out
}

// layers returns the packages from the top to the bottom: each is above everything
// that it imports. An error means that an arrow would point up.
func (g graph) layers() ([][]string, error) {
	heights := make(map[string]int)
	var height func(name string, above []string) (int, error)
	height = func(name string, above []string) (int, error) {
		if slices.Contains(above, name) {
			return 0, fmt.Errorf("arrows go round: %s", strings.Join(append(above, name), " → "))
		}
		if h, ok := heights[name]; ok {
			return h, nil
		}
		high := 0
		for _, to := range g[name] {
			h, err := height(to, append(above, name))
			if err != nil {
				return 0, err
			}
			high = max(high, h+1)
		}
		heights[name] = high
		return high, nil
	}
	top := 0
	for _, name := range slices.Sorted(maps.Keys(g)) {
		h, err := height(name, nil)
		if err != nil {
			return nil, err
		}
		top = max(top, h)
	}
	layers := make([][]string, top+1)
	for _, name := range slices.Sorted(maps.Keys(g)) {
		layers[top-heights[name]] = append(layers[top-heights[name]], name)
	}
	return layers, nil
}

// reduced leaves out an arrow if others lead the same way: the import of the root package
// by web, which imports admin, is not drawn.
func (g graph) reduced() graph {
	var reaches func(from, to string) bool
	reaches = func(from, to string) bool {
		return slices.ContainsFunc(g[from], func(next string) bool { return next == to || reaches(next, to) })
	}
	out := make(graph)
	for name, all := range g {
		for _, to := range all {
			if !slices.ContainsFunc(all, func(other string) bool { return other != to && reaches(other, to) }) {
				out[name] = append(out[name], to)
			}
		}
	}
	return out
}

// ownModules returns the packages outside of the root module.
func ownModules(t *testing.T) map[string]bool {
	own := make(map[string]bool)
	for _, path := range files(t, func(path string) bool { return filepath.Ext(path) == ".go" }) {
		if folder := filepath.Dir(path); nested(folder) {
			name, err := filepath.Rel(root, folder)
			require.NoError(t, err)
			own[filepath.ToSlash(name)] = true
		}
	}
	return own
}

// A drawing places the packages of each layer side by side.
type drawing struct {
	graph  graph
	layers [][]string
	own    map[string]bool
}

const (
	boxWide, boxHigh = 124, 30
	gapWide, gapHigh = 14, 46
	margin           = 20
)

// order sorts a layer by where the packages above it point.
func (d drawing) order() {
	at := make(map[string]float64)
	for i, layer := range d.layers {
		if i > 0 {
			want := make(map[string]float64)
			for _, name := range layer {
				sum, count := 0.0, 0.0
				for _, from := range slices.Sorted(maps.Keys(d.graph)) {
					if x, placed := at[from]; placed && slices.Contains(d.graph[from], name) {
						sum, count = sum+x, count+1
					}
				}
				want[name] = 2 // no package above: at the right
				if count > 0 {
					want[name] = sum / count
				}
			}
			slices.SortStableFunc(layer, func(a, b string) int { return cmp.Or(cmp.Compare(want[a], want[b]), strings.Compare(a, b)) })
		}
		for j, name := range layer {
			at[name] = (float64(j) + 0.5) / float64(len(layer))
		}
	}
}

func (d drawing) svg() string {
	d.order()
	most := 0
	for _, layer := range d.layers {
		most = max(most, len(layer))
	}
	wide := 2*margin + most*boxWide + (most-1)*gapWide
	high := 2*margin + len(d.layers)*boxHigh + (len(d.layers)-1)*gapHigh + 30
	left, row := make(map[string]int), make(map[string]int)
	for i, layer := range d.layers {
		begin := (wide - len(layer)*boxWide - (len(layer)-1)*gapWide) / 2
		for j, name := range layer {
			left[name], row[name] = begin+j*(boxWide+gapWide), i
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="t">
<title id="t">The packages of totpflow in layers. Each arrow is an import, and all of them point down.</title>
<style>rect{fill:#eef4fb;stroke:#34608f}.own{fill:#fdf3e0;stroke:#9a6a12}path{fill:none;stroke:#7a8794}text{font:13px ui-sans-serif,system-ui,sans-serif;fill:#17212b}.n{text-anchor:middle}</style>
<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" style="fill:#7a8794;stroke:none"/></marker></defs>
<rect width="%d" height="%d" style="fill:#fff;stroke:none"/>
`, wide, high, wide, high)
	for _, from := range slices.Sorted(maps.Keys(d.graph)) {
		for _, to := range d.graph[from] {
			fmt.Fprintf(&b, "<path d=\"%s\" marker-end=\"url(#a)\"/>\n", d.arrow(from, to, left, row))
		}
	}
	for _, layer := range d.layers {
		for _, name := range layer {
			x, y, class := left[name], top(row[name]), ""
			if d.own[name] {
				class = ` class="own"`
			}
			fmt.Fprintf(&b, "<rect%s x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\"/><text class=\"n\" x=\"%d\" y=\"%d\">%s</text>\n",
				class, x, y, boxWide, boxHigh, x+boxWide/2, y+boxHigh/2+5, strings.TrimPrefix(name, "phone/"))
		}
	}
	fmt.Fprintf(&b, "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"14\"/><text x=\"%d\" y=\"%d\">the root module</text>\n", margin, high-26, margin+22, high-14)
	fmt.Fprintf(&b, "<rect class=\"own\" x=\"%d\" y=\"%d\" width=\"14\" height=\"14\"/><text x=\"%d\" y=\"%d\">a module of its own</text>\n</svg>\n", margin+150, high-26, margin+172, high-14)
	return b.String()
}

func top(row int) int { return margin + row*(boxHigh+gapHigh) }

// arrow returns the path from the lower edge of one box to the upper edge of another. It
// passes the layers between them through the nearest gap.
func (d drawing) arrow(from, to string, left, row map[string]int) string {
	x, goal := left[from]+boxWide/2, left[to]+boxWide/2
	y := top(row[from]) + boxHigh
	way := fmt.Sprintf("M%d %d", x, y)
	bend := func(x2, y2 int) string {
		return fmt.Sprintf(" C%d %d %d %d %d %d", x, y+gapHigh/2, x2, y+gapHigh/2, x2, y2)
	}
	for i := row[from] + 1; i < row[to]; i++ {
		gap := nearest(x+(goal-x)/(row[to]-i+1), d.layers[i], left)
		way += bend(gap, top(i)) + fmt.Sprintf(" V%d", top(i)+boxHigh)
		x, y = gap, top(i)+boxHigh
	}
	return way + bend(goal, top(row[to])-1)
}

// nearest returns the middle of the gap in a layer that is nearest to x.
func nearest(x int, layer []string, left map[string]int) int {
	gaps := []int{left[layer[0]] - gapWide/2}
	for _, name := range layer {
		gaps = append(gaps, left[name]+boxWide+gapWide/2)
	}
	return slices.MinFunc(gaps, func(a, b int) int { return cmp.Compare(max(a-x, x-a), max(b-x, x-b)) })
}

// Internal packages are looked through, arrows that others imply are left out, and a
// cycle of imports is an error.
func TestGraph(t *testing.T) {
	g := graph{"web": {"internal/x", "admin"}, "admin": {"totpflow"}, "internal/x": {"totpflow", "web"}, "totpflow": {}}.public()
	require.Equal(t, graph{"web": {"admin", "totpflow"}, "admin": {"totpflow"}, "totpflow": nil}, g)
	require.Equal(t, graph{"web": {"admin"}, "admin": {"totpflow"}}, g.reduced())
	layers, err := g.layers()
	require.NoError(t, err)
	require.Equal(t, [][]string{{"web"}, {"admin"}, {"totpflow"}}, layers)

	_, err = graph{"a": {"internal/x"}, "internal/x": {"b"}, "b": {"a"}}.public().layers()
	require.ErrorContains(t, err, "a → b → a")
}
