# frozen_string_literal: true

# What Bundler.require asks for, and `ruby -rlex-identity-aws`. Harmless before LegionIO is there.
require_relative 'legion/extensions/identity/aws'
