# frozen_string_literal: true

# The ratios as an SVG, readable on light and dark pages: a bar for each rival in each row, on a logarithmic scale.
class Picture
  WIDTH = 880
  LEFT  = 390 # where the bars begin
  RIGHT = 90  # kept free for the numbers behind the bars
  ROW   = 34
  BAR   = 12
  TOP   = 74
  MOST  = 10_000.0 # where the scale ends; a longer bar is cut there

  STYLE = <<~CSS
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-size: 16px; font-weight: 600 } .small { font-size: 11px; fill: #59636e }
    .bar0 { fill: #c2410c } .bar1 { fill: #2563a8 } .line { stroke: #d1d9e0; stroke-width: 1 } .one { stroke: #59636e; stroke-width: 1 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 } .small { fill: #9198a1 }
      .bar0 { fill: #f0883e } .bar1 { fill: #58a6ff } .line { stroke: #3d444d } .one { stroke: #9198a1 }
    }
  CSS

  def initialize(results)
    @ours, *@rivals = results.fetch('rivals').to_a
    figures = results.fetch('figures')
    @rows = Figures::ALL.filter_map { |figure| [figure.title_for(results.fetch('crowd')), figures[figure.key.to_s]] if figures.key?(figure.key.to_s) }
  end

  def svg
    <<~SVG
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 #{WIDTH} #{height}" role="img" aria-label="How many times better #{escape(@ours.last)} is">
      <style>
      #{STYLE}</style>
      <text class="title" x="16" y="28">How many times better #{escape(@ours.last)} is</text>
      #{legend}
      #{scale}
      #{rows}
      </svg>
    SVG
  end

  private

  def height = TOP + (@rows.size * ROW) + 30

  def legend
    @rivals.each_with_index.map do |(_, title), index|
      x = 16 + (index * 220)
      %(<rect class="bar#{index}" x="#{x}" y="42" width="12" height="12" rx="2"/><text x="#{x + 18}" y="53">than #{escape(title)}</text>)
    end.push(%(<text class="small" x="#{WIDTH - RIGHT}" y="53" text-anchor="end">logarithmic, cut at #{Table.number(MOST)}×</text>)).join("\n")
  end

  def scale
    (0..Math.log10(MOST)).map do |power|
      x = at(10**power)
      %(<line class="#{power.zero? ? 'one' : 'line'}" x1="#{x}" x2="#{x}" y1="#{TOP}" y2="#{height - 26}"/>) +
        %(<text class="small" x="#{x}" y="#{height - 10}" text-anchor="middle">#{Table.number(10**power)}×</text>)
    end.join("\n")
  end

  def rows
    @rows.each_with_index.map do |(title, cells), row|
      y = TOP + (row * ROW)
      [%(<text x="#{LEFT - 12}" y="#{y + 21}" text-anchor="end">#{escape(title)}</text>),
       *@rivals.each_with_index.map { |(rival, _), index| bar(cells[rival], index, y + 4 + (index * (BAR + 2))) }].join("\n")
    end.join("\n")
  end

  def bar(cell, index, top)
    value, ratio = cell.values_at('value', 'ratio')
    return words(value || Table::NOTHING, at(1), top) unless value.is_a?(Numeric)

    from, to = [at(1), at(ratio || MOST)].minmax
    %(<rect class="bar#{index}" x="#{from}" y="#{top}" width="#{[to - from, 1].max.round(1)}" height="#{BAR}" rx="2"/>) +
      words(Table.ratio(ratio), to, top)
  end

  def words(text, left, top)
    %(<text class="small" x="#{left + 5}" y="#{top + 10}">#{escape(text[/\A[^:]+/])}</text>)
  end

  # From a tenth on: ours may be worse, and that is to be seen.
  def at(ratio)
    span = WIDTH - LEFT - RIGHT
    (LEFT + (span * (Math.log10(ratio) + 1) / (Math.log10(MOST) + 1))).clamp(LEFT, WIDTH - RIGHT).round(1)
  end

  def escape(text) = text.gsub('&', '&amp;').gsub('<', '&lt;')
end
