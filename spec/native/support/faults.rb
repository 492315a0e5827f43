# frozen_string_literal: true

require 'rbconfig'
require 'shellwords'
require 'tmpdir'

# ENV for a process whose C library has faults: see faults.c.
#
#   Faults.env(thread: 2)
module Faults
  class << self
    def env(**faults)
      { 'LD_PRELOAD' => library }.merge(faults.to_h { |name, value| ["FAULTS_#{name.upcase}", value.to_s] })
    end

    # Makes a library for LD_PRELOAD with the compiler of Ruby's extensions, which compiles for the machine that Ruby is for.
    def compile(source, path)
      compiler = Shellwords.split(ENV.fetch('CC', RbConfig::CONFIG['CC']))
      system(*compiler, '-shared', '-fPIC', '-pthread', '-o', path, source, '-ldl', exception: true)
    end

    private

    # Compiled once a run.
    def library
      @library ||= File.join(Dir.mktmpdir('faults'), 'faults.so').tap do |path|
        compile(File.expand_path('faults.c', __dir__), path)
        made_by = Process.pid
        at_exit { FileUtils.remove_entry(File.dirname(path)) if Process.pid == made_by }
      end
    end
  end
end
