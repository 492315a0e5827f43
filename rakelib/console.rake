# frozen_string_literal: true

desc 'irb with the gem loaded and the local AWS running (bin/console)'
task console: %i[compile fake_aws] do
  ruby '-Ilib', '-Ispec', '-rsupport/console', '-e', 'Console.start', verbose: false
end
