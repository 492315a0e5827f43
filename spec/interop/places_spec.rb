# frozen_string_literal: true

require_relative 'support/places'

# What passes or fails in the places where AWS code runs, with their real addresses, beside boto3 and aws-sdk-ruby: what works
# there works here. docs/places/compared.md has the outcomes of a run.
RSpec.describe 'The places of docs/places/compared.md' do
  page = File.expand_path('../../docs/places/compared.md', __dir__)

  if Place.impossible
    it('are not tried') { skip Place.impossible }
    warn "\nspec/interop/places_spec.rb tries NOTHING: #{Place.impossible}\n\n"
    next
  end

  Places.all.each do |place, says|
    it "#{place.name}: what works elsewhere works with this gem", timeout: 120 do
      outcomes = Place.clients.keys.to_h { |client| [client, place.ask(client)] }
      ours = outcomes.fetch(:ours)
      RSpec.configuration.reporter.message("| #{place.name} | #{place.report} | #{outcomes.values.join(' | ')} |")
      # Where ours is to fail, boto3 fails too: it is the judge of AWS_MAX_ATTEMPTS, which aws-sdk-ruby does not heed here.
      expect([ours.works?, outcomes[:boto3]&.works? || false]).to satisfy { |we, boto3| says ? !we && !boto3 : we }, outcomes.to_s
      expect(ours.message.to_s).to include(says.to_s)
      expect(ours.seconds).to be < Places::QUICK.fetch(place.name, 4.5)
      row = File.readlines(page).find { |line| line.start_with?("| #{place.name} |") }
      expect(row.to_s[/(works|fails), [\d.]+ s \|/, 1]).to eq(ours.works? ? 'works' : 'fails'), "the page says otherwise: #{row}"
    end
  end
end
