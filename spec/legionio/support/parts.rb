# frozen_string_literal: true

# LegionIO's own Resolver and Broker without the rest of it, and our installed gem: for what a whole boot is too slow for. Loaded with
# `ruby -r` into a process of its own; see LegionIO.ruby.
require 'concurrent'
require 'json'
require 'legion/logging'
require 'legion/settings'

$LOAD_PATH.unshift("#{Gem::Specification.find_by_name('legionio').gem_dir}/lib")
require 'legion/mode'
require 'legion/identity'
%w[process broker lease lease_renewer].each { |part| require "legion/identity/#{part}" }
require 'legion/events'

module Legion
  def self.instance_id = 'an-instance'

  # As LegionIO makes it before it loads a nested gem.
  module Extensions
    module Identity
    end
  end
end

Legion::Logging.setup(level: 'debug', trace: false)
Legion::Settings.load(config_dirs: [])

Resolver = Legion::Identity::Resolver
Broker = Legion::Identity::Broker
GEM = "#{Gem::Specification.find_by_name('lex-identity-aws').gem_dir}/lib/legion/extensions/identity/aws".freeze

def identity_settings=(settings)
  Legion::Settings.loader.settings[:identity] = { aws: settings }
end

# As LegionIO loads it: by its absolute path.
def load_gem
  require GEM
  Legion::Extensions::Identity::Aws
end

def eventually(timeout = 20)
  limit = Process.clock_gettime(Process::CLOCK_MONOTONIC) + timeout
  until (found = yield)
    raise "not within #{timeout} s" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > limit

    sleep 0.02
  end
  found
end

def seconds
  since = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  yield
  Process.clock_gettime(Process::CLOCK_MONOTONIC) - since
end

# What the spec is told; the last line of standard output.
def answer(value)
  $stdout.flush
  puts "\nANSWER #{JSON.generate(value)}"
end
