# frozen_string_literal: true

require 'rbconfig'
require 'shellwords'
require 'tmpdir'

# ENV for a process in which the C library makes trouble: see trouble.c for what it can do.
#
#   Trouble.env(thread: 2)
module Trouble
  class << self
    def env(**trouble)
      { 'LD_PRELOAD' => library }.merge(trouble.to_h { |name, value| ["TROUBLE_#{name.upcase}", value.to_s] })
    end

    private

    # Compiled once a run, with the compiler that Ruby's extensions are compiled with.
    def library
      @library ||= File.join(Dir.mktmpdir('trouble'), 'trouble.so').tap do |path|
        compiler = Shellwords.split(ENV.fetch('CC', RbConfig::CONFIG['CC']))
        system(*compiler, '-shared', '-fPIC', '-o', path, File.expand_path('trouble.c', __dir__), '-ldl', exception: true)
        made_by = Process.pid
        at_exit { FileUtils.remove_entry(File.dirname(path)) if Process.pid == made_by }
      end
    end
  end
end
