# frozen_string_literal: true

require 'json'
require_relative 'figures'
require_relative 'picture'
require_relative 'table'

# What is made of results: text on a terminal, docs/bench.md and docs/bench.svg.
class Report
  COMMAND = 'bin/rake bench'

  # What a reader has to know to judge the figures; for those of 0.1.0 its own defects.
  NOTES = <<~MARKDOWN
    Every contestant runs in fresh processes of the same Ruby with the same environment, against the same local AWS on loopback, one
    after the other, round after round. A figure is the median of its runs; a ratio is the median of the ratios within the rounds, and
    above 1 this gem is better. Of what a single thread does, the time in which the system ran other programs instead is not counted
    (Linux tells). What STS takes on a network is in none of them: it is the same for all.

    - **First identity**: environment keys, one `GetCallerIdentity`. This gem is asked as LegionIO asks it: what it loads only
      then (six files of its LegionIO part) counts here and not for the require. In LegionIO itself the whole part is loaded with the require,
      which takes three quarters longer then, and the first identity less. aws-sdk-ruby loads much of itself only then, and 0.1.0 all of
      aws-sdk-ruby, which is why its require is so quick. Over TLS, with one authority to trust.
    - **Asked again**: this gem remembers the identity while its credentials are valid; aws-sdk-ruby asks STS again, and 0.1.0 makes a new
      client each time. 0.1.0 was given light stand-ins for LegionIO's Lease and logging. aws-sdk-ruby has no leases.
    - **64 threads during a refresh**: a role's credentials are refreshed, and STS takes 1.2 seconds. With less than five minutes left
      aws-sdk-ruby lets all readers wait; from ten to five minutes before expiration it refreshes in the background, as this gem does
      ("ahead of time"). So it waits where no thread read in between, or where credentials live five minutes or less. 0.1.0 refreshes
      nothing. The same loop over a plain `attr_reader`: %<plain>s.
    - **Progress**: how far a counting thread gets while another one waits for STS, in percent of how far it gets alone.
    - **64 processes**: this gem with its disk cache on (`cache: true`). 0.1.0 cannot have a role at all: it ends in a NoMethodError.
    - **Tokens**: the identity token is one of GetWebIdentityToken; this gem keeps it and aws-sdk-ruby asks STS again. Presigned tokens are
      made anew by both: for EKS by Aws::STS::Presigner, for RDS as aws-sdk-rds does, by Aws::Sigv4. 0.1.0 has no tokens.
    - **40 calls of aws-sdk-ruby**: as lex-s3, lex-sqs and lex-lambda make them, each with a client of its own without credentials, here of STS.
      With this gem that is aws-sdk-ruby with `default_for_sdk` (in LegionIO `sdk_default`); the time is mostly aws-sdk-ruby's in both.
    - **Off AWS**: until the answer is there (nil; aws-sdk-ruby and 0.1.0 raise MissingCredentialsError), require not counted.
    - **Memory**: resident, beside a Ruby with nothing loaded (%<bare>s). Most of ours is the native library itself, which all processes of
      a machine share.
  MARKDOWN

  def initialize(results)
    @results = results
  end

  def terminal
    ["Ruby #{ruby}, #{cores}, medians, #{@results.fetch('seconds')} s of measuring", '', Table.new(@results).plain, '', *footer].join("\n")
  end

  def markdown
    <<~MARKDOWN
      # Measured
      `#{COMMAND}` makes this page, `bench.svg` and `bench/results.json`: one run of all measures, on Ruby #{ruby}, #{cores}#{processor}.

      ![How many times better this gem is, measure by measure](bench.svg)

      #{Table.new(@results).markdown}

      #{footer.join("\n\n")}

      ## How to read it
      #{notes}
    MARKDOWN
  end

  def picture = Picture.new(@results).svg

  private

  def machine = @results.fetch('machine')
  def context = @results.fetch('context')
  def ruby = machine.fetch('ruby')
  def cores = "#{machine.fetch('cores')} cores"
  def processor = machine['processor'] && " (#{machine['processor']})"

  def footer = [*absence, size, "Bare Ruby: #{bare}. The loop of the 64 threads over a plain attr_reader: #{plain}."]

  def size
    gem, library, crates = @results.fetch('size').values_at('gem_kib', 'library_kib', 'crates')
    named = machine['crates'].map { |name, version| "#{name} #{version}" }.join(', ')
    "The source gem: #{Table.number(gem)} KiB. Its native library: #{Table.number(library)} KiB, of #{crates} crates (#{named})."
  end

  def absence
    'lex-identity-aws 0.1.0 did not take part: it is not here (bin/setup --legionio).' unless @results.fetch('rivals').key?('former')
  end

  def notes = format(NOTES, plain: plain, bare: bare).strip
  def bare = "#{Table.number(context['memory_bare'])} MiB"
  def plain = "#{Table.number(context['reads_plain'])} reads/s, 99.9th percentile #{Table.number(context['p999_plain'])} µs"
end
