# frozen_string_literal: true

require 'legion/extensions/identity/aws/doctor'
require 'legion/extensions/identity/aws/testing'

# What the words in front of a dot are, in the examples of the pages. The README introduces AwsIdentity as a short name of ours.
module Receivers
  AWS       = Legion::Extensions::Identity::Aws
  INSTANCES = { 'session' => AWS::Session, 'credentials' => AWS::Credentials, 'event' => AWS::ChangeEvent, 'profile' => AWS::ProfileSummary,
                'report' => AWS::Doctor::Report, 'problem' => AWS::Doctor::Finding }.freeze
  FACES     = { 'AwsIdentity' => AWS, 'Session' => AWS::Session, 'Testing' => AWS::Testing, 'TerminalTokenProvider' => AWS::TerminalTokenProvider }.freeze
  ANSWERS   = { [AWS::Session, 'identity'] => AWS::CallerIdentity, [AWS::Session, 'credentials'] => AWS::Credentials }.freeze

  class << self
    # Nil for what is not ours.
    def type(word)
      INSTANCES[word] || FACES[word.sub('Legion::Extensions::Identity::Aws', 'AwsIdentity').delete_prefix('AwsIdentity::')]&.singleton_class
    end

    # The class of what a method returns, where the examples go on with it.
    def answer(type, name) = ANSWERS[[type, name]]
  end
end
