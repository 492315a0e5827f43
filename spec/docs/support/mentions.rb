# frozen_string_literal: true

require 'json'
require 'docs/support/pages'
require 'legion/extensions/identity/aws/doctor'
require 'legion/extensions/identity/aws/testing'

# Our classes and methods that the pages' examples mention, and those among them that do not exist. To be run in a process of its own:
# `testing` changes the process it is loaded into.
module Mentions
  AWS = Legion::Extensions::Identity::Aws
  # The README introduces the first as a short name of the second.
  OURS = /(?:AwsIdentity|Legion::Extensions::Identity::Aws)/
  # The classes of the receivers in the examples.
  INSTANCES = { 'session' => AWS::Session, 'credentials' => AWS::Credentials, 'event' => AWS::ChangeEvent, 'profile' => AWS::ProfileSummary,
                'report' => AWS::Doctor::Report, 'problem' => AWS::Doctor::Finding }.freeze
  FACES     = { 'Session' => AWS::Session, 'Testing' => AWS::Testing, 'TerminalTokenProvider' => AWS::TerminalTokenProvider }.freeze
  # The classes of return values on which the examples call methods.
  ANSWERS   = { [AWS::Session, 'identity'] => AWS::CallerIdentity, [AWS::Session, 'credentials'] => AWS::Credentials }.freeze

  class << self
    # As JSON: the number of names and calls, and those that do not exist.
    def report
      names = Pages.code.flat_map { |piece| piece.text.scan(/#{OURS}::((?:[A-Z]\w*::)*[A-Z]\w*)/).map { |(name)| [piece.place, name] } }
      calls = Pages.code.flat_map { |piece| calls_in(piece.text).map { |type, name| [piece.place, type, name] } }
      lost  = names.reject { |_, name| AWS.const_defined?(name, false) } + calls.reject { |_, type, name| type.public_method_defined?(name) }
      JSON.generate(names: names.size, calls: calls.size, lost: lost)
    end

    private

    # As pairs of class (for a module's functions its singleton class) and name.
    def calls_in(code)
      code.gsub(/\.(\w+) = /, '.\1= ').scan(/(?<![\w@.:])((?:[A-Z]\w*::)*\w+)\.(\w+[?!=]?)(?:\.(\w+[?!]?))?/).flat_map do |receiver, name, next_name|
        type = type(receiver)
        next [] if type.nil? || name == 'aws' # `profile.aws` is a path in settings

        answer = ANSWERS[[type, name]]
        [[type, name], *([[answer, next_name]] if answer && next_name)]
      end
    end

    # Nil for a class that is not ours.
    def type(word)
      return AWS.singleton_class if word.match?(/\A#{OURS}\z/)

      INSTANCES[word] || FACES[word.sub(/\A#{OURS}::/, '')]&.singleton_class
    end
  end
end
