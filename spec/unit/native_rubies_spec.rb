# frozen_string_literal: true

require 'open3'
require_relative '../../packaging/native_rubies'

RSpec.describe NativeRubies do
  # Every series since the oldest that the gem runs on, and those that may follow.
  ruby_series = %w[3.1 3.2 3.3 3.4 4.0 4.1 5.0]

  def accepted_by(requirement, versions) = versions.select { |version| Gem::Requirement.new(requirement).satisfied_by?(Gem::Version.new(version)) }

  def read(file) = File.read(File.expand_path("../../#{file}", __dir__))

  def specification(built, requirement)
    Gem::Specification.new('lex-identity-aws', '1.2.3') do |spec|
      spec.files = ['lib/a/4.0.rb', *built.map { |series| "lib/legion/extensions/identity/aws/#{series}/lex_identity_aws.so" }]
      spec.required_ruby_version = requirement
    end
  end

  def passage(file, from, to) = read(file)[/#{from}.*?#{to}/m] || raise("#{file} has no passage from #{from} to #{to}")

  def series_in(text) = text.scan(/(?<![.\d])[34]\.\d(?![.\d])/)

  (1..described_class::SERIES.size).flat_map { |size| described_class::SERIES.each_cons(size).to_a }.each do |built|
    it "declares the range of #{built.join(', ')} and of no other Ruby" do
      requirement = described_class.requirement(built)
      %w[.0 .12].each { |patch| expect(accepted_by(requirement, ruby_series.map { |one| one + patch })).to eq(built.map { |one| one + patch }) }
      expect(accepted_by(requirement, ["#{built.last.next}.0.preview1", "#{built.last.next}.0.dev"])).to be_empty
    end
  end

  it 'refuses libraries that no range has alone' do
    [%w[3.3 4.0], %w[3.4 3.3], %w[3.2], []].each { |built| expect { described_class.requirement(built) }.to raise_error(ArgumentError, /gap/) }
  end

  it 'finds a packed gem whose range is wider or narrower than its libraries' do
    range = described_class.requirement(%w[3.3 3.4])
    expect { described_class.check(specification(%w[3.3 3.4], range)) }.not_to raise_error
    expect { described_class.check(specification(%w[3.3], range)) }.to raise_error(/has libraries for 3\.3\z/)
    expect { described_class.check(specification(%w[3.3 3.4 4.0], range)) }.to raise_error(/has libraries for 3\.3, 3\.4 and 4\.0\z/)
  end

  it 'is the list of bin/setup' do
    listed, status = Open3.capture2('sh', '-c', '. bin/setup.d/rubies.sh; native_rubies', chdir: File.expand_path('../..', __dir__))
    expect([listed.split, status.success?]).to eq([described_class::SERIES, true])
  end

  it 'is what the release builds and tries, on each machine and on Alpine' do
    jobs = read('.github/workflows/release.yml').split(/^  (?=\w+:$)/)
    platform, alpine = %w[platform: alpine:].map { |name| jobs.find { |job| job.start_with?(name) } }
    steps = platform.split('ruby-version: ').drop(1).to_h { |step| [step, step[/\A'(.*)'/, 1]] }
    { 'native:library' => described_class::SERIES, 'packed[' => described_class::SERIES.reverse }.each do |task, series|
      expect(steps.select { |step, _| step.include?(task) }.values).to eq(series)
      expect(alpine.scan(/\$ruby(\d)(\d) sh -ec ".*#{Regexp.escape(task)}/).map { |version| version.join('.') }).to eq(series)
    end
    expect(alpine.scan(/ruby\d\d: ruby:(.*)-alpine@sha256:\h{64}$/).flatten).to eq(described_class::SERIES)
  end

  it 'is what the documentation says' do
    { 'README.md'             => passage('README.md', 'With Ruby 3', 'on Linux'),
      'docs/places/lambda.md' => passage('docs/places/lambda.md', 'The platform gem for', 'glibc'),
      'CONTRIBUTING.md'       => passage('CONTRIBUTING.md', 'runs the\s+native specs', 'signs'),
      'CHANGELOG.md'          => passage('CHANGELOG.md', 'Platform gems for Linux', 'licences') }
      .each { |file, text| expect(series_in(text)).to eq(described_class::SERIES), file }
  end
end
