# frozen_string_literal: true

desc 'API documentation into doc/ (YARD)'
task :doc do
  ruby gem_program('yard'), 'doc', '--fail-on-warning', '--output-dir', 'doc'
end
