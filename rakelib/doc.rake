# frozen_string_literal: true

desc 'API documentation into doc/ (YARD)'
task :doc do
  ruby gem_program('yard'), 'doc', '--fail-on-warning', '--output-dir', 'doc'
end

namespace :lint do
  desc 'Is every public name documented, and does every documented one exist'
  task docs: :compile do
    each_missing_gem_is_said('lint:docs', 'yard') do
      Rake::Task[:doc].invoke
      ruby '-Ilib', 'rakelib/doc/gaps.rb', verbose: false
    end
  end
end

task lint: 'lint:docs'
