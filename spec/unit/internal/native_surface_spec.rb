# frozen_string_literal: true

require 'unit/support/scripted_native'

RSpec.describe Legion::Extensions::Identity::Aws::Internal::Native do
  def arities(type) = type.public_instance_methods(false).to_h { |name| [name, type.instance_method(name).arity] }

  it 'has the version of the Ruby files' do
    expect(described_class::VERSION).to eq(Legion::Extensions::Identity::Aws::VERSION)
  end

  it 'answers all that the specs have a stand-in for, in the same way' do
    expect(arities(described_class::Session)).to include(arities(ScriptedNative).except(:hold, :is, :calls, :failure, :failure=, :file_changes=))
  end

  it 'is described by sig/, all of it, with as many arguments' do
    file = File.expand_path('../../../sig/legion/extensions/identity/aws/internal/native.rbs', __dir__)
    skip 'sig/ is not beside the specs' unless File.exist?(file)
    in_rust = File.read(file, encoding: 'UTF-8')[/-- Defined in Rust.*-- Defined in Ruby/m]

    expect(singleton_arities(described_class)).to eq(described(in_rust, /^ {12}def self\./))
    [described_class::Environment, described_class::SecretText, described_class::Session].each do |type|
      in_class = in_rust[/^ {12}class #{type.name.split('::').last}$.*?^ {12}end$/m]
      expect(singleton_arities(type).slice(:new, :current)).to eq(described(in_class, /^ {14}def self\./))
      expect(arities(type).except(:inspect)).to eq(described(in_class, /^ {14}def (?!self\.)/))
    end
  end

  def singleton_arities(type) = type.singleton_methods(false).to_h { |name| [name, type.method(name).arity] }

  # None of the library's methods has optional arguments, and RBS has them all on one line.
  def described(rbs, start)
    rbs.scan(/#{start}([\w?!=]+): \((.*?)\) ->/).to_h do |name, arguments|
      [name.to_sym, arguments.gsub(/\[[^\]]*\]/, '').split(',').size]
    end
  end
end
