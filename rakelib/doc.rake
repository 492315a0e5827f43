# frozen_string_literal: true

desc 'API documentation into doc/ (YARD)'
task :doc do
  ruby gem_program('yard'), 'doc', '--fail-on-warning', '--output-dir', 'doc'
end

namespace :lint do
  desc 'Check that every public name is documented, and that every documented one exists'
  task docs: :compile do
    each_missing_gem_is_said('lint:docs', 'yard') do
      Rake::Task[:doc].invoke
      ruby '-Ilib', 'rakelib/doc/gaps.rb', verbose: false
    end
  end
end

task lint: 'lint:docs'
