# frozen_string_literal: true

require 'rbconfig'
require 'shellwords'
require 'tmpdir'

# ENV for a process in which the C library makes trouble: see faults.c for what it can do.
#
#   Faults.env(thread: 2)
module Faults
  class << self
    def env(**faults)
      { 'LD_PRELOAD' => library }.merge(faults.to_h { |name, value| ["FAULTS_#{name.upcase}", value.to_s] })
    end

    private

    # Compiled once a run, with the compiler that Ruby's extensions are compiled with.
    def library
      @library ||= File.join(Dir.mktmpdir('faults'), 'faults.so').tap do |path|
        compiler = Shellwords.split(ENV.fetch('CC', RbConfig::CONFIG['CC']))
        system(*compiler, '-shared', '-fPIC', '-o', path, File.expand_path('faults.c', __dir__), '-ldl', exception: true)
        made_by = Process.pid
        at_exit { FileUtils.remove_entry(File.dirname(path)) if Process.pid == made_by }
      end
    end
  end
end
