# frozen_string_literal: true

# Compares what `yard doc` has read with the loaded library: public names that are not documented, and documented ones that do not
# exist. Run by `rake lint:docs`; prints a line for each and exits with 1.

require 'yard'
require 'legion/extensions/identity/aws'
# In LegionIO one of our classes inherits from it.
Legion.const_set(:Identity, Module.new { const_set(:Lease, Class.new) })
LIB = File.expand_path('../../lib', __dir__)
Dir["#{LIB}/legion/**/*.rb"].each { |file| require file.delete_prefix("#{LIB}/") }

AWS = Legion::Extensions::Identity::Aws
YARD::Registry.load!

# The object of a name in YARD. Private constants are found too.
def loaded(path)
  path.split('::').reduce(Object) { |inside, name| inside.const_get(name, false) }
rescue NameError
  nil
end

def defined_there?(method)
  home = loaded(method.namespace.path) or return false
  method.scope == :class ? home.respond_to?(method.name, true) : home.method_defined?(method.name) || home.private_method_defined?(method.name)
end

def there?(object)
  case object.type
  when :method then defined_there?(object)
  when :module, :class then loaded(object.path).is_a?(Module)
  when :constant then !loaded(object.namespace.path).nil? && loaded(object.namespace.path).const_defined?(object.name, false)
  else true
  end
end

# The parameters and return values that a method's tags do not document. `@see` refers to another method's.
def untold(method)
  return [] if method.is_alias? || method.is_attribute? || method.has_tag?(:see)

  [*untold_parameters(method), *('what it returns' unless method.has_tag?(:return) || returns_nothing?(method))]
end

def untold_parameters(method)
  block = %i[yield yieldparam yieldreturn].any? { |tag| method.has_tag?(tag) }
  names = method.parameters.map(&:first).grep_v(/\A[*&]*\z/).reject { |name| block && name.start_with?('&') }
  names.map { |name| name.delete('*&:') } - method.tags(:param).map(&:name)
end

def returns_nothing?(method)
  method.name == :initialize || method.name.end_with?('=') || method.tags(:raise).any? { |tag| tag.text == 'always' }
end

# yard itself warns of `{links}` to nothing, but not of such a `@see`.
def lost(object)
  object.tags(:see).map(&:name).grep_v(%r{://}).reject do |name|
    name.start_with?('file:') ? File.file?(name.delete_prefix('file:')) : YARD::Registry.resolve(object.namespace, name, true)
  end
end

# A constructor without parameters needs no documentation of its own.
def plain_initialize?(object) = object.name == :initialize && object.parameters.empty?

# Every public name below a module, with the module first.
def public_modules(inside, seen = [])
  return seen if seen.include?(inside)

  seen << inside
  inside.constants(false).map { |name| inside.const_get(name, false) }.grep(Module)
        .select { |found| found.name&.start_with?("#{AWS}::") }.each { |found| public_modules(found, seen) }
  seen
end

# Methods of the library that YARD has not seen, such as those a loop defines.
def unseen(inside)
  return [] if YARD::Registry.at(inside.name)&.has_tag?(:api)

  { '#' => inside.public_instance_methods(false), '.' => inside.singleton_class.public_instance_methods(false) }.flat_map do |sign, names|
    (names - of_struct(inside)).map { |name| "#{inside}#{sign}#{name}" }.reject { |path| YARD::Registry.at(path) || YARD::Registry.at(path.sub('.', '::')) }
  end
end

# Methods that Struct adds to its classes; ours are frozen.
def of_struct(inside)
  inside < Struct ? Struct.new(:any).singleton_methods + inside.members.map { |member| :"#{member}=" } : []
end

public_objects = YARD::Registry.all(:module, :class, :constant, :method).select { |object| object.visibility == :public }
gaps = public_objects.flat_map do |object|
  next ["#{object.path} is documented and does not exist (#{object.file}:#{object.line})"] unless there?(object)
  next ["#{object.path} is not documented (#{object.file}:#{object.line})"] if object.docstring.all.strip.empty? && !plain_initialize?(object)

  told = object.type == :method ? untold(object).map { |what| "#{object.path} does not tell #{what} (#{object.file}:#{object.line})" } : []
  told + lost(object).map { |name| "#{object.path} refers to #{name}, which does not exist (#{object.file}:#{object.line})" }
end
gaps += public_modules(AWS).flat_map { |inside| unseen(inside) }.map { |path| "#{path} exists and is not documented" }

puts gaps
puts "#{public_objects.size} public names, #{gaps.size} gaps"
exit gaps.empty?
