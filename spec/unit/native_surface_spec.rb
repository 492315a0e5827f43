# frozen_string_literal: true

require 'unit/support/scripted_native'

RSpec.describe Legion::Extensions::Identity::Aws::Native do
  def arities(type) = type.public_instance_methods(false).to_h { |name| [name, type.instance_method(name).arity] }

  it 'has the version of the Ruby files' do
    expect(described_class::VERSION).to eq(Legion::Extensions::Identity::Aws::VERSION)
  end

  it 'answers all that the specs have a stand-in for, in the same way' do
    expect(arities(described_class::Session)).to include(arities(ScriptedNative).except(:hold, :is, :calls, :trouble, :trouble=))
  end

  it 'is described by sig/, all of it' do
    file = File.expand_path('../../sig/legion/extensions/identity/aws/native.rbs', __dir__)
    skip 'sig/ is not beside the specs' unless File.exist?(file)
    in_rust = File.read(file)[/-- Defined in Rust.*-- Defined in Ruby/m]
    names = ->(pattern) { in_rust.scan(pattern).flatten.map(&:to_sym) }
    expect(described_class.singleton_methods(false)).to match_array(names.call(/^ {10}def self\.([\w?!=]+):/))
    expect(described_class::Session.public_instance_methods(false) - [:inspect]).to match_array(names.call(/^ {12}def (?!self\.)([\w?!=]+):/))
  end
end
