"""Line plots as SVG, with nothing but text."""

import math

COLOURS = ("#0b6e99", "#c8553d", "#588157", "#7b2d8b", "#b08900", "#495057", "#d6336c", "#1098ad")
W, H, LEFT, TOP, RIGHT, BOTTOM = 640, 360, 70, 40, 110, 50


def lines(path, title, x_name, y_name, series, quick=False):
    """Draws series, {name: [(x, y), …]} with y from zero on, unless the run is a quick one."""
    if quick:
        return
    xs = sorted({x for points in series.values() for x, _ in points})
    top = max(y for points in series.values() for _, y in points)
    step = 10 ** math.floor(math.log10(top))
    step = next(s for s in (step / 5, step / 2, step, step * 2) if top / s <= 6)
    top = math.ceil(top / step) * step
    px = lambda x: LEFT + (x - xs[0]) / ((xs[-1] - xs[0]) or 1) * (W - LEFT - RIGHT)
    py = lambda y: H - BOTTOM - y / top * (H - TOP - BOTTOM)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {W} {H}" font-family="sans-serif" font-size="12">', f'<rect width="{W}" height="{H}" fill="white"/>', f'<text x="{LEFT}" y="24" font-size="15">{title}</text>']
    for i in range(round(top / step) + 1):
        y = i * step
        out.append(f'<path d="M{LEFT} {py(y):.1f}H{W - RIGHT}" stroke="#ddd"/><text x="{LEFT - 6}" y="{py(y) + 4:.1f}" text-anchor="end">{y:g}</text>')
    for x in xs:
        out.append(f'<text x="{px(x):.1f}" y="{H - BOTTOM + 18}" text-anchor="middle">{x:g}</text>')
    out.append(f'<text x="{(LEFT + W - RIGHT) / 2}" y="{H - 10}" text-anchor="middle">{x_name}</text><text x="{LEFT - 6}" y="{TOP - 8}" text-anchor="end">{y_name}</text>')
    ends = []
    for i, (name, points) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in points)}"/>')
        ends.append((py(points[-1][1]), name, colour))
    at = 0.0
    for y, name, colour in sorted(ends):
        at = max(y + 4, at + 13)
        out.append(f'<text x="{W - RIGHT + 6}" y="{at:.1f}" fill="{colour}">{name}</text>')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(out) + "\n</svg>\n")
