# frozen_string_literal: true

desc 'Read a session of short-lived credentials for ten minutes, or soak[seconds], beside failures, forks and interrupts'
task :soak, [:seconds] => %i[compile fake_aws] do |_, given|
  ruby '-Ilib', '-Ispec', '-rsupport/soak', '-e', "exit Soak.new(seconds: #{Float(given.seconds || 600)}).run", verbose: false
end
