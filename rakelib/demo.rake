# frozen_string_literal: true

desc 'Show the main job against the local AWS (bin/demo)'
task demo: %i[compile fake_aws] do
  ruby '-Ilib', '-Ispec', '-rsupport/demo', '-e', 'Demo.run', verbose: false
end

desc 'Show LegionIO booting with the packed gem (Ruby 3.4; bin/setup --legionio)'
task 'demo:legionio' do
  in_legionio('-Ispec', '-rsupport/legionio_demo', '-e', 'LegionIODemo.run')
end
