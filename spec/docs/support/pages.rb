# frozen_string_literal: true

# The pages of the repository that document the gem.
module Pages
  ROOT  = File.expand_path('../../..', __dir__)
  FILES = Dir["#{ROOT}/*.md", "#{ROOT}/docs/**/*.md"]

  # A text and its place.
  Piece = Struct.new(:place, :text)

  class << self
    def read(name) = File.read(File.join(ROOT, name), encoding: 'UTF-8')

    # The code blocks of this language.
    def blocks(language) = pieces(/^```#{language}\n(.*?)^```/m)

    # The inline code outside of blocks. A bar in a table is escaped.
    def words = pieces(/`([^`\n]+)`/) { |text| blank(text, /^```.*?^```/m) }.each { |piece| piece.text = piece.text.gsub('\|', '|') }

    # All code: both of these, and text indented by four.
    def code = %w[ruby sh ini].flat_map { |language| blocks(language) } + words + indented

    # The lines indented by four.
    def indented = pieces(/^    (\S.*)$/) { |text| blank(text, /^```.*?^```/m) }

    # The inline code at the beginning of each cell in the first column.
    def first_column(text) = text.scan(/^\| (`[^`]+`(?:, `[^`]+`)*)/).flatten.flat_map { |cell| cell.scan(/`([^`]+)`/).flatten }

    private

    def pieces(pattern)
      FILES.flat_map do |file|
        text = read(file.delete_prefix("#{ROOT}/"))
        text = yield text if block_given?
        found = []
        text.scan(pattern) do |(piece)|
          line = Regexp.last_match.pre_match.count("\n") + 1
          found << Piece.new("#{file.delete_prefix("#{ROOT}/")}:#{line}", piece)
        end
        found
      end
    end

    # The text with matching lines emptied, so that line numbers stay.
    def blank(text, pattern) = text.gsub(pattern) { |lines| "\n" * lines.count("\n") }
  end
end
