# frozen_string_literal: true

require_relative '../internal/secret'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # The options of the command line that become options of a session. Their values are checked by the core.
          #
          # @api private
          module SessionOptions
            # The values of --credential-source.
            SOURCES = %w[Environment EcsContainer Ec2InstanceMetadata].freeze
            # Each by its name on the command line: the option of {Session#initialize}, and a remark.
            BASE = {
              'profile NAME'                 => [:profile, 'a profile of the shared config files, and nothing else'],
              'credential-source NAME'       => [:credential_source, "#{SOURCES.first(2).join(', ')} or #{SOURCES.last}, and no other source"],
              'web-identity-token-file FILE' => [:web_identity_token_file, 'the web identity in this file'],
              'region REGION'                => [:region, nil],
              'endpoint URL'                 => [:endpoint, 'of STS']
            }.freeze
            # The same for those that a role takes.
            ROLE = {
              'role-arn ARN'           => [:role_arn, nil],
              'role-session-name NAME' => [:role_session_name, nil],
              'external-id ID'         => [:external_id, nil],
              'source-identity NAME'   => [:source_identity, nil],
              'serial-number ARN'      => [:serial_number, 'of the MFA device'],
              'provider-id NAME'       => [:provider_id, 'of an OAuth 2.0 access token'],
              'policy JSON'            => [:policy, 'limits the session']
            }.freeze
            # The same for whole numbers.
            NUMBERS = {
              'session-duration SECONDS'         => [:session_duration, nil],
              'minimum-session-token-size BYTES' => [:minimum_session_token_size, nil]
            }.freeze
            # The same for those that may be repeated.
            LISTS = {
              'policy-arn ARN'         => [:policy_arns, 'limits the session; may be repeated'],
              'transitive-tag-key KEY' => [:transitive_tag_keys, 'may be repeated']
            }.freeze
            # Those that choose an identity.
            CHOICES = %i[profile credential_source web_identity_token_file role_arn].freeze
            private_constant :BASE, :ROLE, :NUMBERS, :LISTS, :CHOICES

            class << self
              # @param given [Internal::Secret] a Hash of values
              # @return [Array<String>] the options in it that choose an identity, as on the command line
              def chosen(given) = CHOICES.reject { |name| given.part(name).value.nil? }.map { |name| "--#{name.to_s.tr('_', '-')}" }

              # @param options [OptionParser]
              # @param given [Internal::Secret] a Hash that takes the values
              # @return [void]
              def declare(options, given)
                texts(options, BASE, given)
                common(options, given)
                options.separator("\nThe role to assume on top")
                texts(options, ROLE, given)
                NUMBERS.each { |option, (name, remark)| options.on("--#{option}", ::Integer, *remark) { |value| given.value[name] = value } }
                LISTS.each { |option, (name, remark)| options.on("--#{option}", *remark) { |value| given.value[name] = [*given.value[name], value] } }
                pairs(options, given)
              end

              # @param text [String]
              # @param option [String] that was given it
              # @return [Array(String, String)]
              # @raise [ArgumentError]
              def pair(text, option)
                name, value = text.split('=', 2)
                return [name.to_s, value] if value

                raise ::ArgumentError, "#{option} takes NAME=VALUE, and was given a word without '='." # it may be the secret
              end

              private

              # An empty value is what a shell makes of a variable that is not set. The core would take it for absent, and so another
              # identity than was asked for.
              def texts(options, table, given)
                table.each do |option, (name, remark)|
                  options.on("--#{option}", *remark) do |value|
                    raise ::ArgumentError, "--#{option[/\S+/]} is empty. Give it a value, or leave it out." if value.scrub.strip.empty?

                    given.value[name] = value
                  end
                end
              end

              def common(options, given)
                options.on('--get-session-token', "trade the user's own keys for temporary ones first") { given.value[:get_session_token] = true }
                options.on('--cache [FOLDER]', 'share role sessions on disk (~/.aws/cli/cache)') do |folder|
                  given.value[:cache] = folder ? ::File.expand_path(folder) : true
                end
              end

              def pairs(options, given)
                options.on('--session-tag NAME=VALUE', 'may be repeated') do |text|
                  name, value = pair(text, '--session-tag')
                  given.value[:tags] = given.value[:tags].to_h.merge(name => value)
                end
                options.on('--provided-context ARN=ASSERTION', 'may be repeated') do |text|
                  arn, assertion = pair(text, '--provided-context')
                  given.value[:provided_contexts] = [*given.value[:provided_contexts], { provider_arn: arn, context_assertion: assertion }]
                end
              end
            end
          end
        end
      end
    end
  end
end
