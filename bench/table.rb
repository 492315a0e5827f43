# frozen_string_literal: true

# Results as a table of text: plain on a terminal, Markdown in the documentation.
class Table
  NOTHING = '–'

  def initialize(results)
    @rivals = results.fetch('rivals')
    @figures = results.fetch('figures')
    @crowd = results.fetch('crowd')
  end

  def plain
    widths = rows.transpose.map { |column| column.map(&:length).max }
    lines = rows.map { |row| row.zip(widths).each_with_index.map { |(cell, width), index| index.zero? ? cell.ljust(width) : cell.rjust(width) }.join('  ') }
    [lines.first, '-' * lines.first.length, *lines.drop(1)].join("\n")
  end

  def markdown
    lines = rows.map { |row| "| #{row.join(' | ')} |" }
    alignment = "| --- |#{' ---: |' * (rows.first.size - 1)}"
    [lines.first, alignment, *lines.drop(1)].join("\n")
  end

  # So many digits, thousands apart.
  def self.number(value, digits = 3)
    value = value.round(digits - Math.log10(value.abs).ceil) unless value.zero?
    value.to_s.delete_suffix('.0').gsub(/(\d)(?=(\d{3})+\z)/, '\1 ')
  end

  # Two digits: the machine does other things too.
  def self.ratio(value) = value ? "#{number(value, 2)}×" : '∞'

  private

  def rows
    @rows ||= [heading, *Figures::ALL.filter_map { |figure| row(figure) if @figures.key?(figure.key.to_s) }]
  end

  def heading = ['', *@rivals.flat_map { |key, title| key == 'ours' ? ['this gem'] : [title, 'ratio'] }]

  def row(figure)
    cells = @rivals.keys.flat_map do |rival|
      cell = @figures.fetch(figure.key.to_s).fetch(rival)
      rival == 'ours' ? [value(cell, figure)] : [value(cell, figure), ratio(cell)]
    end
    [figure.title_for(@crowd), *cells]
  end

  def value(cell, figure)
    number = cell['value']
    return number ? number[/\A[\w ]+/] : NOTHING unless number.is_a?(Numeric)

    number, unit = figure.unit == 'µs' && number >= 1000 ? [number / 1000.0, 'ms'] : [number, figure.unit]
    "#{Table.number(number)} #{unit}".strip
  end

  def ratio(cell)
    ratio = cell['ratio']
    return NOTHING unless cell['value'].is_a?(Numeric)

    Table.ratio(ratio)
  end
end
