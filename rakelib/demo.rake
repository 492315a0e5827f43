# frozen_string_literal: true

desc 'Show the main job against the local AWS (bin/demo)'
task demo: %i[compile fake_aws] do
  ruby '-Ilib', '-Ispec', '-rsupport/demo', '-e', 'Demo.run', verbose: false
end
