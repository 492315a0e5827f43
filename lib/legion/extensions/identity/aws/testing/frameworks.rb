# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module Testing
          # Tells {Testing} which example, group or suite a stub belongs to, and when that has ended.
          #
          # @api private
          module Frameworks
            # For Minitest, whose tests call these first and last.
            module Lifecycle
              # @return [void]
              def before_setup
                Frameworks.in_minitest = true
                super
              end

              # @return [void]
              def after_teardown
                super
              ensure
                Frameworks.in_minitest = false
                Testing.ended(:example)
              end
            end

            # The example groups of RSpec that run, told by its reporter.
            module Groups
              class << self
                # @return [Class, nil] the innermost group
                def innermost = @running&.last # rubocop:disable ThreadSafety/ClassInstanceVariable -- groups run on one thread

                # @param notification [RSpec::Core::Notifications::GroupNotification]
                # @return [void]
                def example_group_started(notification)
                  @running = [*@running, notification.group].freeze # rubocop:disable ThreadSafety/ClassInstanceVariable -- groups run on one thread
                end

                # @param notification [RSpec::Core::Notifications::GroupNotification]
                # @return [void]
                def example_group_finished(notification)
                  @running = ([*@running] - [notification.group]).freeze # rubocop:disable ThreadSafety/ClassInstanceVariable -- groups run on one thread
                  Testing.ended(notification.group)
                end
              end
            end

            # The setting of RSpec's configuration that says the hooks are there, so that they are added once.
            SETTING = :lex_identity_aws_testing
            # A thread's variable: whether it runs a test of Minitest.
            IN_MINITEST = :lex_identity_aws_in_minitest

            class << self
              # @return [Boolean] whether RSpec or Minitest is loaded
              def attach = [attach_to_rspec, attach_to_minitest].any?

              # @return [Object] what a stub that is made now belongs to: `:example`, a group of RSpec, or `:suite`
              def scope
                return :example if ::Thread.current.thread_variable_get(IN_MINITEST) || (rspec? && ::RSpec.current_example)

                Groups.innermost || :suite
              end

              # @param value [Boolean]
              # @return [void]
              def in_minitest=(value)
                ::Thread.current.thread_variable_set(IN_MINITEST, value)
              end

              private

              def rspec? = defined?(::RSpec::Core) && ::RSpec.respond_to?(:configuration)

              def attach_to_rspec
                return false unless rspec?

                configuration = ::RSpec.configuration
                return true if configuration.respond_to?(SETTING)

                configuration.add_setting(SETTING, default: true)
                configuration.after { Testing.ended(:example) }
                follow_groups(configuration)
                true
              end

              # A reporter that is asked for before the suite would be made before the formatters of the command line are known.
              def follow_groups(configuration)
                listen = proc { configuration.reporter.register_listener(Groups, :example_group_started, :example_group_finished) }
                ::RSpec.current_example ? listen.call : configuration.before(:suite, &listen)
              end

              # Prepending a module again changes nothing.
              def attach_to_minitest
                defined?(::Minitest::Test) ? ::Minitest::Test.prepend(Lifecycle) && true : false
              end
            end
          end
          private_constant :Frameworks
        end
      end
    end
  end
end
