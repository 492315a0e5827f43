# frozen_string_literal: true

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::Runtime do
  def settings(given)
    stub_const('Legion::Settings', Module.new)
    Legion::Settings.define_singleton_method(:loader) { true }
    Legion::Settings.define_singleton_method(:dig) { |*keys| given.dig(*keys) }
  end

  it 'answers harmlessly where there is no LegionIO' do
    expect([described_class.enabled?, described_class.shutting_down?, described_class.ready?, described_class.late?, described_class.resolver?,
            described_class.emit('x')]).to eq([true, false, true, false, false, nil])
  end

  it 'takes false and "false" for off, in both places' do
    off = [{ identity: { aws: { enabled: false } } }, { identity: { aws: { 'enabled' => 'False' } } },
           { extensions: { identity: { aws: { enabled: 'false' } } } }]
    off.each do |given|
      settings(given)
      expect(described_class).not_to be_enabled
    end
    [{}, { identity: { aws: { enabled: nil } } }, { identity: { aws: 'text' } }, { identity: { aws: { enabled: true } } }].each do |given|
      settings(given)
      expect(described_class).to be_enabled
    end
  end

  it 'knows the phase by the category' do
    { identity: false, default: true }.each do |category, late|
      entries = [{ gem_name: 'lex-other', category: :default }, { gem_name: 'lex-identity-aws', category: category }]
      Legion::Extensions.define_singleton_method(:find_extensions) { entries }
      expect(described_class.late?).to be(late)
    ensure
      Legion::Extensions.singleton_class.send(:remove_method, :find_extensions)
    end
  end

  it 'lets LegionIO resolve by itself while it boots' do
    settings(client: { ready: false })
    stub_const('Legion::Service', Module.new)
    expect(described_class).not_to be_ready
    settings(client: { ready: true, shutting_down: true })
    expect([described_class.ready?, described_class.shutting_down?]).to eq([true, true])
  end
end
